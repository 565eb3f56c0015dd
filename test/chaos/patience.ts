import { setTimeout as pause } from 'node:timers/promises';

const waits = new Set<string>();

/** What `comes` waits for at the moment. A scenario that does not end in time says it. */
export const waitsFor = (): string => [...waits].join(', ') || 'nothing that `comes` knows';

/** Waits until `isThere` resolves to true; an error of it means "not yet". @throws after `withinMs` */
export async function comes(what: string, isThere: () => Promise<boolean>, withinMs = 60_000): Promise<void> {
  waits.add(what);
  try {
    for (const givenUpAt = Date.now() + withinMs; !(await isThere().catch(() => false)); await pause(25)) {
      if (Date.now() > givenUpAt) throw new Error(`${what}: not within ${withinMs} ms`);
    }
  } finally {
    waits.delete(what);
  }
}
