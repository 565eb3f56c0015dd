import type { ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Door, ping } from './ping.js';

/**
 * Settles when the server behind `door` answers, if only to ask for a password. One that says it is loading its data is
 * given all the time it needs; one that says nothing, `patienceMs`.
 *
 * @param child whose end is the end of waiting
 * @param said what it said last, for the error
 */
export async function untilReady(door: Door, child: ChildProcess, said: () => string, patienceMs = 20_000): Promise<void> {
  let failure: Error | undefined;
  child.once('error', (error) => (failure = error));
  child.once('exit', (code, signal) => (failure = new Error(`it ended with ${code ?? signal}: ${said()}`)));
  let giveUpAt = Date.now() + patienceMs;
  for (;;) {
    const answer = await ping(door, 1_000);
    if (answer === 'ready' || answer === 'locked') return;
    if (answer === 'loading') giveUpAt = Date.now() + patienceMs;
    if (Date.now() > giveUpAt) failure ??= new Error(`no answer in ${patienceMs} ms`);
    if (failure !== undefined) throw failure;
    await sleep(answer === 'loading' ? 100 : 5);
  }
}
