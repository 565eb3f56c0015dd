/**
 * A queue system that the benchmark can measure. Each file in this folder implements one, as its documentation advises. Events
 * and history are off if there is an option for it.
 *
 * @typedef {object} System
 * @property {string} title title in tables
 * @property {(address: Address, queue: string, options: ProducerOptions) => Promise<Producer>} producer
 * @property {(address: Address, queue: string, options: ConsumerOptions) => Promise<{ close(): Promise<unknown> }>} consumer
 * @property {(address: Address, queue: string) => Promise<{ ask: (payload: object) => Promise<any> }>} [asker] puts a job, and resolves with its result
 * @property {(address: Address, queue: string) => Promise<{ chain: (payloads: object[]) => Promise<any>, group: (payloads: object[], last: object) => Promise<any> }>} [flower] puts jobs that wait for each other, and resolves when the last has ended
 * @property {(address: Address, queue: string) => Promise<() => Promise<number>>} left returns a function that counts waiting, delayed and active jobs
 *
 * @typedef {{ host: string, port: number }} Address
 * @typedef {{ attempts?: number, dueAt?: number, validated?: boolean }} ProducerOptions `dueAt`, in Unix ms, is the due time of all jobs of the producer
 * @typedef {{ concurrency: number, handle: (payload: any) => unknown, delayed?: boolean, returns?: boolean, validated?: boolean }} ConsumerOptions `returns`: results are awaited
 *
 * @typedef {object} Producer
 * @property {(payload: object) => Promise<unknown>} put puts one job; resolves when Redis has it
 * @property {(payloads: object[]) => Promise<unknown>} [putMany] puts many jobs, with the system's own function for this
 * @property {(count: number, make: (n: number) => object) => Promise<unknown>} [putInFlight] replaces a thousand concurrent calls of `put`
 * @property {() => Promise<unknown>} close
 */

export const ours = 'hotqueue';
/** hotqueue in the build of `--against`. It runs in turn with this build, in every workload that measures hotqueue. */
export const before = 'hotqueue-before';
export const nodePeers = ['bullmq', 'bullmq-remove', 'bee-queue', 'groupmq', 'bull', 'rsmq'];
/** Peers with workers, retries and delays. rsmq has none of these: it is a list that is polled. */
export const nodeWorkers = nodePeers.filter((name) => name !== 'rsmq');
export const bare = 'bare';
export const bareRecords = 'bare-records';
export const pythonPeers = ['python-hotqueue', 'python-rq', 'python-celery'];

/** @returns {Promise<System>} */
export async function loadSystem(name) {
  // The validation workloads measure no queue.
  if (name === 'class-validator') return { title: 'class-validator' };
  const { system } = await import(`./${name === before ? ours : name}.js`);
  return system;
}
