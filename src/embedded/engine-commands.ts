import {
  type CommandDefinition,
  type createRedisCommandExecutor,
  defineCommand,
  redisCommandDefinitions,
  RedisResult,
  RedisValue,
} from 'js-redis-server/core';
import { engineField } from './identity.js';

type ExecutionPolicy = NonNullable<NonNullable<Parameters<typeof createRedisCommandExecutor>[0]>['policies']>[number];

/** Makes the engine report its identity and process id in INFO, and end on SHUTDOWN. It does neither by itself. */
export function asOurs(stop: () => void): ExecutionPolicy {
  return {
    name: 'hotqueue',
    afterExecute: ({ definition }, _ctx, result) => {
      if (definition.name === 'shutdown') setImmediate(stop);
      return definition.name === 'info' ? withIdentity(result) : result;
    },
  };
}

function withIdentity(result: RedisResult): RedisResult {
  const { value } = result;
  if (value.kind !== 'bulk-string' || value.value === null) return result;
  const text = value.value
    .toString()
    .replace('process_id:1\r\n', `process_id:${process.pid}\r\n${engineField}:0.3.0\r\n`);
  return RedisResult.create(RedisValue.bulkString(Buffer.from(text)));
}

const blmove = redisCommandDefinitions.find(({ name }) => name === 'blmove') as CommandDefinition;
const words = { right: Buffer.from('RIGHT'), left: Buffer.from('LEFT') };

/**
 * BRPOPLPUSH, which the engine does not have, and which old tutorials still use. It is the same as
 * `BLMOVE source destination RIGHT LEFT`.
 */
export const brpoplpush: CommandDefinition = defineCommand({
  ...blmove,
  name: 'brpoplpush',
  schema: {
    parse: (input, index, ctx) => {
      const [source, destination, ...timeout] = input.slice(index);
      const asBlmove = [source, destination, words.right, words.left, ...timeout].filter((each) => each !== undefined);
      const { value, nextIndex } = blmove.schema.parse(asBlmove, 0, ctx);
      return { value, nextIndex: index + nextIndex - 2 };
    },
  },
});
