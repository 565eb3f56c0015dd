import { describe, expect, it } from 'vitest';
import type { WorkerInfo } from 'hotqueue';
import { ratesOverWindow } from '../../src/cli/top/rates.js';
import { afterKey, withSnapshot } from '../../src/cli/top/state.js';
import { aQueue, aState, aWorker, busy, drawn, now } from './top-states.js';

describe('keys', () => {
  const letter = (sequence: string) => ({ sequence, name: sequence.toLowerCase() });

  it('move between queues; the selected queue stays selected when others appear', () => {
    const down = afterKey(busy, { name: 'down', sequence: '\u001b[B' }).state;
    expect([
      busy.selected,
      down.selected,
      afterKey(down, letter('j')).state.selected,
      afterKey(down, letter('k')).state.selected,
    ]).toEqual(['emails', 'images', 'images', 'emails']);
    expect(afterKey(busy, { sequence: 'G', name: 'g' }).state.selected).toBe('images');
    expect(withSnapshot(down, { at: now, queues: [aQueue({ name: 'first' }), ...busy.snapshot.queues] }).selected).toBe(
      'images',
    );
    expect(withSnapshot(down, { at: now, queues: [aQueue()] }).selected).toBe('emails');
  });

  it('p pauses and resumes at once; all other actions need the key y', () => {
    expect(afterKey(busy, letter('p')).action).toEqual({ verb: 'pause', queue: 'emails' });
    expect(afterKey({ ...busy, selected: 'images' }, letter('p')).action).toEqual({ verb: 'resume', queue: 'images' });
    for (const [key, verb, text] of [
      ['r', 'revive', 'revive all 3 dead letters of emails?'],
      ['d', 'drop', 'drop all 3 dead letters of emails permanently?'],
      ['n', 'promote', 'promote all 12 delayed messages of emails now?'],
    ] as const) {
      const { state, action } = afterKey(busy, letter(key));
      expect([action, state.question?.text]).toEqual([undefined, text]);
      expect(drawn(state).at(-1)).toContain(`${text} y: yes`);
      expect(afterKey(state, letter('y')).action).toEqual({ verb, queue: 'emails' });
      for (const other of ['n', key, 'q', '\r'])
        expect(afterKey(state, letter(other))).toMatchObject({
          state: { question: undefined, note: 'nothing was changed' },
        });
      expect(afterKey(state, letter('\r')).action).toBeUndefined();
    }
    expect(afterKey({ ...busy, selected: 'images' }, letter('r')).state).toMatchObject({
      question: undefined,
      note: 'images has no dead letters',
    });
    expect(afterKey({ ...busy, doing: 'reviving' }, letter('p')).action).toBeUndefined();
  });

  it('q and Ctrl-C end the program, Ctrl-C also at a question; without a queue, other keys do nothing', () => {
    expect(
      [letter('q'), { name: 'c', ctrl: true, sequence: '\u0003' }].map((key) => afterKey(busy, key).isEnd),
    ).toEqual([true, true]);
    expect(afterKey(afterKey(busy, letter('d')).state, { name: 'c', ctrl: true, sequence: '\u0003' }).isEnd).toBe(true);
    const help = afterKey(busy, letter('?')).state;
    expect(drawn(help).join('\n')).toContain('drop all its dead letters permanently');
    expect(afterKey(help, letter('d'))).toMatchObject({ state: { isHelp: false, question: undefined } });
    for (const key of ['p', 'r', 'd', 'n', 'j'])
      expect(afterKey(aState(), letter(key))).toMatchObject({ state: { selected: undefined, question: undefined } });
    expect(drawn(aState()).join('\n')).toContain('no queue yet');
  });
});

describe('rates', () => {
  const worker = (done: number, seconds: number, id = 'one') =>
    aWorker({ id, done, leaseUntil: now + seconds * 1_000 });
  const snapshot = (...workers: WorkerInfo[]) =>
    aQueue({ workers, done: workers.reduce((sum, { done }) => sum + done, 0) });

  it('are the differences between two reports of each worker, also if these come late', () => {
    const before = [
      { at: now, queues: [snapshot(worker(100, 0), worker(5, 0, 'two'))] },
      { at: now + 1_000, queues: [snapshot(worker(100, 0), worker(6, 1, 'two'))] },
    ];
    expect(ratesOverWindow(snapshot(worker(1_100, 10), worker(7, 2, 'two')), now + 2_000, before)).toEqual({
      done: 101,
      failed: 0,
    });
  });

  it('are unknown until a worker has reported twice; without workers they come from the totals of the queue', () => {
    expect(ratesOverWindow(snapshot(worker(100, 0)), now, [])).toBeUndefined();
    expect(
      ratesOverWindow(snapshot(worker(100, 0)), now + 1_000, [{ at: now, queues: [snapshot(worker(100, 0))] }]),
    ).toBeUndefined();
    expect(ratesOverWindow(aQueue({ done: 30 }), now + 2_000, [{ at: now, queues: [aQueue({ done: 10 })] }])).toEqual({
      done: 10,
      failed: 0,
    });
  });
});
