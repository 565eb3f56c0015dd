import { setTimeout as pause } from 'node:timers/promises';

/** Waits for something that the servers bring about; an error in between means "not yet". @throws when it does not come */
export async function comes(what: string, isThere: () => Promise<boolean>, withinMs = 60_000): Promise<void> {
  for (const givenUpAt = Date.now() + withinMs; !(await isThere().catch(() => false)); await pause(25)) {
    if (Date.now() > givenUpAt) throw new Error(`${what}: not within ${withinMs} ms`);
  }
}
