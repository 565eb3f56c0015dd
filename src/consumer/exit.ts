import { beatCall, leaveCall, posted, releaseCalls, type PostedCall, type ScriptCall } from '../redis/script-calls.js';
import { attributedNow } from './attribution.js';
import type { Claim } from './claim.js';
import type { Delivery } from './delivery.js';
import { keptLeases, sendAtExit, type LeaseHolder } from './lease-keeper.js';
import { processId } from '../redis/process-id.js';

/** Codes with which a process ends that did not crash: done, and a promise that never settles. From 128 on: a signal. */
const orderly = new Set([0, 13]);
const firstSignalCode = 128;

/** Messages of the code that threw the last uncaught error; `undefined` if they are unknown. */
let thrower: readonly Delivery[] | undefined;
let isWatching = false;

/** When the process exits, gives back what its workers hold, less the messages that may be the cause. */
export function watchExit(): void {
  if (isWatching) return;
  isWatching = true;
  process.on('uncaughtExceptionMonitor', () => (thrower = attributedNow()));
  process.on('exit', (code) => {
    const known = thrower ?? attributedNow(); // the code that threw, or that called process.exit
    const isOrderly = orderly.has(code) || code >= firstSignalCode;
    sendAtExit(
      [...keptLeases].flatMap(({ holder, server }) => {
        const calls =
          server && holder.worker ? callsAtExit(holder, holder.worker, blamed(holder, isOrderly, known)) : [];
        return calls.map((call) => ({ ...call, server: server! }));
      }),
    );
  });
}

/** The messages of a worker that count a crash: those of the code that ended the process; if that is unknown, all that run. */
function blamed({ held }: LeaseHolder, isOrderly: boolean, known: readonly Delivery[] | undefined): readonly Claim[] {
  if (isOrderly) return [];
  return held.filter((claim) => (known ? known.includes(claim) : claim.startedAt !== undefined));
}

/** What the worker would send if it could wait. What stays is recovered when its lease ends, and counts a crash. */
function callsAtExit(
  { context, held, takes, nextTakeNumber }: LeaseHolder,
  worker: string,
  left: readonly Claim[],
): PostedCall[] {
  const { keys, leaseMs, history } = context.broker;
  const sent = (call: ScriptCall): PostedCall => posted(history.prepared(call));
  const acknowledge = sent(beatCall(keys, leaseMs, worker, nextTakeNumber, takes));
  if (left.length > 0) {
    const others = held.filter((claim) => !left.includes(claim));
    return others.length > 0 ? [acknowledge, ...releaseCalls(keys, worker, others).map(sent)] : [acknowledge];
  }
  const forget = { command: 'hdel', args: [keys.quarantineOf(processId()), worker] };
  const hasQuarantined = held.some(({ isQuarantined }) => isQuarantined);
  return [acknowledge, sent(leaveCall(keys, leaseMs, worker)), ...(hasQuarantined ? [forget] : [])];
}
