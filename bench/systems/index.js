/**
 * What the bench knows of a queue. Each file here is one, made as its own documentation advises, events and history off
 * wherever that is an option.
 *
 * @typedef {object} System
 * @property {string} title for tables
 * @property {(address: Address, queue: string, options: ProducerOptions) => Promise<Producer>} producer
 * @property {(address: Address, queue: string, options: ConsumerOptions) => Promise<{ close(): Promise<unknown> }>} consumer
 * @property {(address: Address, queue: string) => Promise<() => Promise<number>>} left asks how many jobs wait, or are held
 *
 * @typedef {{ host: string, port: number }} Address
 * @typedef {{ attempts?: number, dueAt?: number, validated?: boolean }} ProducerOptions `dueAt` in Unix ms holds for all its jobs
 * @typedef {{ concurrency: number, handle: (payload: any) => unknown, delayed?: boolean, validated?: boolean }} ConsumerOptions
 *
 * @typedef {object} Producer
 * @property {(payload: object) => Promise<unknown>} put resolves when Redis has the job
 * @property {(payloads: object[]) => Promise<unknown>} [putMany] the system's own way for many
 * @property {(count: number, make: (n: number) => object) => Promise<unknown>} [putInFlight] in place of a thousand `put`s
 * @property {() => Promise<unknown>} close
 */

export const ours = 'hotqueue';
/** Ours in the build that `--against` names. It runs in turn with ours, in every workload that has ours. */
export const before = 'hotqueue-before';
export const nodePeers = ['bullmq', 'bullmq-remove', 'bee-queue', 'groupmq', 'bull', 'rsmq'];
/** Those that have workers, retries and delays; rsmq is a list with a poll. */
export const nodeWorkers = nodePeers.filter((name) => name !== 'rsmq');
export const bare = 'bare';
export const pythonPeers = ['python-hotqueue', 'python-rq', 'python-celery'];

/** @returns {Promise<System>} */
export async function loadSystem(name) {
  // Some workloads have no queue in them.
  if (name === 'class-validator') return { title: 'class-validator' };
  const { system } = await import(`./${name === before ? ours : name}.js`);
  return system;
}
