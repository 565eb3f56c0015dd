import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { composeFile } from '../../src/learn/services.js';
import { compose } from '../../src/learn/parts/compose.js';

const file = fileURLToPath(new URL('../../examples/compose/compose.yaml', import.meta.url));

it('names Redis as the lesson expects, and waits until it is healthy', () => {
  const text = composeFile();
  const [, host] = /REDIS_URL: redis:\/\/([\w-]+):6379\/1/.exec(text) ?? [];
  expect(text).toMatch(new RegExp(`^  ${host}:\n    image: redis:7$`, 'm'));
  expect(text).toMatch(/healthcheck:\n +test: \['CMD', 'redis-cli', 'ping'\]/);
  expect(text).toMatch(new RegExp(`depends_on:\n +${host}:\n +condition: service_healthy`));
  // The port is open on this machine only.
  expect([...text.matchAll(/^ +- '(.*):6379:6379'/gm)].map(([, address]) => address)).toEqual(['127.0.0.1']);
  const question = compose.steps.find(({ id }) => id === 'which-host');
  const here = { pid: 0, host: '', lines: [], named: () => undefined, isAlive: () => false, compose: undefined };
  const ask = (...answers: string[]): unknown => question?.check({} as never, {} as never, { ...here, answers });
  expect(ask(host!)).toMatchObject({ done: true });
  expect(ask('localhost')).toEqual({ done: false, saw: 'the answer is not "localhost"' });
});

const hasDocker = ((): boolean => {
  try {
    execFileSync('docker', ['compose', 'version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();

it.runIf(hasDocker)('is a valid compose file', () => {
  execFileSync('docker', ['compose', '-f', file, 'config', '--quiet']);
});
