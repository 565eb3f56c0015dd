import { existsSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const sources = new URL('../../src/', import.meta.url);

interface Exception {
  readonly from: readonly string[];
  readonly to: readonly string[];
}

/** Whether `from` has an import that leads to `to`; both are paths in src without `.ts`. */
function imports(from: string, to: string): boolean {
  const file = new URL(`${from}.ts`, sources);
  if (!existsSync(file)) return false;
  return [...readFileSync(file, 'utf8').matchAll(/from '(\..+?)\.js'/g)].some(
    ([, target]) => new URL(target!, file).href === new URL(to, sources).href,
  );
}

it('every exception of .dependency-cruiser.js is still needed', async () => {
  const config = new URL('../../.dependency-cruiser.js', import.meta.url).href;
  const { exceptions } = (await import(config)) as { exceptions: readonly Exception[] };
  const pairs = exceptions.flatMap(({ from, to }) => from.flatMap((one) => to.map((other) => [one, other] as const)));
  expect(pairs.length).toBeGreaterThan(0);
  expect(pairs.filter(([from, to]) => !imports(from, to)).map((pair) => pair.join(' → '))).toEqual([]);
});
