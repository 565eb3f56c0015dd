import { setTimeout as pause } from 'node:timers/promises';

/** Waits until `isThere` resolves to true; an error of it means "not yet". @throws after `withinMs` */
export async function comes(what: string, isThere: () => Promise<boolean>, withinMs = 60_000): Promise<void> {
  for (const givenUpAt = Date.now() + withinMs; !(await isThere().catch(() => false)); await pause(25)) {
    if (Date.now() > givenUpAt) throw new Error(`${what}: not within ${withinMs} ms`);
  }
}
