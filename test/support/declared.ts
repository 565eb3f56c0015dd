import { payloadType, type PayloadClass } from '../../src/payload/payload-type.js';
import { Keys } from '../../src/redis/keys.js';
import type { QueueContext } from '../../src/redis/queue-context.js';
import { handlersOf, type BoundHandler } from '../../src/worker/handlers.js';
import { queueWorker } from '../../src/worker/decorator.js';
import type { QueueWorker } from '../../src/worker/decorator-types.js';
import type { WorkerSource } from '../../src/worker/types.js';

const onlyConnection = {};

/** The part of a queue that the declaration of workers needs. Access to anything else, such as its Redis, throws. */
export interface Declared<T> {
  readonly name: string;
  readonly channel: QueueContext<T>;
  readonly worker: QueueWorker<T>;
  /** Workers that were started by a call without arguments, in order. */
  readonly asked: BoundHandler[][];
}

export function aDeclaredQueue<T = unknown>(
  name: string,
  source?: PayloadClass<T>,
  connection: object = onlyConnection,
): Declared<T> {
  const broker = onlyThese({ keys: new Keys(name), connection });
  const channel = onlyThese({
    name,
    payload: payloadType<T>(source),
    payloadSettings: {},
    retryDefaults: {},
    broker,
  }) as unknown as QueueContext<T>;
  const asked: BoundHandler[][] = [];
  const workUntilStopped = async (workers: WorkerSource): Promise<void> => void asked.push(handlersOf(workers));
  return { name, channel, worker: queueWorker(channel, workUntilStopped), asked };
}

function onlyThese<O extends object>(object: O): O {
  return new Proxy(object, {
    get(target, key) {
      if (key in target) return target[key as keyof O];
      throw new Error(`the declaration of a worker must not read "${String(key)}"`);
    },
  });
}
