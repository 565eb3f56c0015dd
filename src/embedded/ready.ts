import type { ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Door, ping } from './ping.js';

/**
 * Resolves when the server at `door` replies, even if it requires a password. A server that is loading its data gets all the
 * time that it needs. A server that does not reply gets `patienceMs`.
 *
 * @param child process of the server; if it exits, this rejects
 * @param said returns the last output of the server, for the error
 */
export async function untilReady(
  door: Door,
  child: ChildProcess,
  said: () => string,
  patienceMs = 20_000,
): Promise<void> {
  let failure: Error | undefined;
  child.once('error', (error) => (failure = error));
  child.once('exit', (code, signal) => (failure = new Error(`it exited with ${code ?? signal}: ${said()}`)));
  let giveUpAt = performance.now() + patienceMs;
  for (;;) {
    const answer = await ping(door, 1_000);
    if (answer === 'ready' || answer === 'locked') return;
    if (answer === 'loading') giveUpAt = performance.now() + patienceMs;
    if (performance.now() > giveUpAt) failure ??= new Error(`no reply within ${patienceMs} ms`);
    if (failure !== undefined) throw failure;
    await sleep(answer === 'loading' ? 100 : 5);
  }
}
