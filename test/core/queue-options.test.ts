/** Every option of a queue beside a client: those of the address are refused, and no other. */
import { expect, it } from 'vitest';
import type { QueueOptions } from 'hotqueue';
import { putOptionNames, type PutOptions } from '../../src/core/options/put.js';
import { queueOptions } from '../../src/core/options/queue.js';
import { redis } from '../support/queue.js';

/** The compiler asks for each new option here. */
const address: Required<Pick<QueueOptions, 'host' | 'port' | 'db' | 'username' | 'password' | 'url'>> = {
  host: 'cache',
  port: 6380,
  db: 2,
  username: 'worker',
  password: 'secret',
  url: 'redis://cache:6380',
};
const put: Required<Omit<PutOptions, 'at' | 'id' | 'until' | 'replace' | 'after' | 'onFailure'>> = {
  attempts: 5,
  backoff: '2s',
  timeout: '3s',
  ttl: '1h',
  delay: '10s',
  priority: 'high',
  uniqueFor: '1h',
  track: true,
  unique: 'key',
};
const others: Required<
  Omit<QueueOptions, keyof typeof address | keyof typeof put | 'connection' | 'whenFull' | 'until' | 'replace'>
> = {
  serializer: null,
  prefix: 'shop',
  wire: 'plain',
  maxBytes: 1_000,
  maxDepth: 3,
  lease: '1m',
  maxLength: 10,
  deadLetters: { max: 5 },
  history: false,
  logger: false,
  validation: 'class-validator',
  whitelist: 'strip',
  groups: ['new'],
  stopAtFirstError: true,
  dismissDefaultMessages: true,
};

const given = (options: object): object => ({ ...options, connection: redis() });

it.each(Object.entries(address))('%s is refused beside a client', (option, value) => {
  expect(() => queueOptions('q', given({ [option]: value }))).toThrow(
    `options ${option} and connection cannot be used together: the client has its own address`,
  );
  expect(queueOptions('q', { [option]: value }).connection).toEqual({ [option]: value });
});

it.each(Object.entries({ ...put, ...others, whenFull: 'wait' }))('%s is accepted beside a client', (option, value) => {
  const options = option === 'whenFull' ? { maxLength: 1, whenFull: value } : { [option]: value };
  const { connection } = queueOptions('q', given(options));
  expect(Object.keys(connection)).toEqual(['connection']);
  expect(queueOptions('q', options).connection).toEqual({});
});

it.each(Object.entries(put))('%s of a queue is a default of its puts', (option, value) => {
  expect(Object.keys(queueOptions('q', {}).put)).toEqual([]);
  expect(Object.keys(queueOptions('q', { [option]: value }).put)).toHaveLength(1);
});

it('the options above are all put options that a queue accepts', () => {
  expect([...Object.keys(put), 'at', 'id', 'until', 'replace', 'after', 'onFailure'].sort()).toEqual(
    [...putOptionNames].sort(),
  );
});
