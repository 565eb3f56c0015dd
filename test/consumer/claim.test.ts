import { EventEmitter } from 'node:events';
import { expect, it } from 'vitest';
import { Claim } from '../../src/consumer/claim.js';
import type { Session } from '../../src/consumer/session.js';
import { silent } from '../../src/core/logger.js';
import { Tally } from '../../src/telemetry/tally.js';
import { aTake } from '../support/takes.js';

/** A claim whose settlement Redis answers with `reply`, and the events that it has emitted. */
function aClaim(reply: 'done' | 'already' | 'lost') {
  const emitted: string[] = [];
  const events = new EventEmitter();
  for (const verb of ['ack', 'retry', 'bury', 'release', 'lost']) events.on(verb, () => void emitted.push(verb));
  const settle = () => Promise.resolve(reply);
  const broker = { retry: settle, bury: settle, release: settle };
  const session = {
    context: { name: 'q', broker, events, logger: silent, wire: 'hotqueue', maintenance: { observe: () => {} } },
    settler: { add: (claim: Claim) => queueMicrotask(() => claim.onAckReply(reply)) },
    tally: new Tally(),
    forget: () => {},
  };
  return { claim: new Claim(session as unknown as Session, aTake(1, 'b', ['1'], '', '', 'w'), 1, Date.now()), emitted };
}

const settling = {
  ack: (claim: Claim) => claim.ack(),
  retry: (claim: Claim) => claim.retryIn(1_000),
  bury: (claim: Claim) => claim.bury('not wanted'),
  release: (claim: Claim) => claim.release(),
};

it.each(Object.keys(settling) as (keyof typeof settling)[])(
  '%s emits one event, also if the reply to the first call was lost; after a lost lease it emits lost instead',
  async (verb) => {
    for (const reply of ['done', 'already'] as const) {
      const { claim, emitted } = aClaim(reply);
      await settling[verb](claim);
      expect(emitted).toEqual([verb]);
    }
    const { claim, emitted } = aClaim('lost');
    await expect(settling[verb](claim)).rejects.toMatchObject({ code: 'LEASE_LOST' });
    expect(emitted).toEqual(['lost']);
  },
);
