import { Books } from './books.js';
import { nowMs, sleep, within } from './clock.js';
import { startHttpServer } from './http-server.js';
import { payloadMaker } from './payloads.js';
import { startProxy } from './proxy.js';
import { loadSystem } from './systems/index.js';

/** The tasks of child processes. */
export const tasks = { measure, fill, work, proxy, http };

/** Runs one measurement in a new process. */
async function measure(params) {
  const { measureHere } = await import('./measuring.js');
  return measureHere(params);
}

/** Puts jobs 0 to `count` - 1 as fast as the system can. The process ends before a measurement starts. */
async function fill({ system: name, address, queue, count, attempts, payload }) {
  const system = await loadSystem(name);
  const producer = await system.producer(address, queue, { attempts, ...payload });
  await fillWith(producer, count, payloadMaker(payload));
  await within(producer.close(), 5_000);
}

const chunk = 1_000;
const lanes = 200;

export async function fillWith(producer, count, make) {
  if (producer.putMany) {
    for (let from = 0; from < count; from += chunk) {
      await producer.putMany(Array.from({ length: Math.min(chunk, count - from) }, (_, index) => make(from + index)));
    }
    return;
  }
  let next = 0;
  const lane = async () => {
    while (next < count) await producer.put(make(next++));
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}

/**
 * A worker process. It sends 'loaded', waits for 'go', sends 'started', and waits for 'report'. Then it ends with its report.
 *
 * The report says how often each job was handled, when the first one started and the last one ended. For jobs with `at`, it
 * has the time from `at` to the handler.
 */
async function work(
  { system: name, address, queue, count, concurrency, handlerMs = 0, returns = false, payload },
  link,
) {
  const system = await loadSystem(name);
  const books = new Books(count);
  const latencies = new Float64Array(count);
  let firstAt = Infinity;
  let lastAt = -Infinity;
  const handle = ({ n, at }) => {
    const now = nowMs();
    if (firstAt === Infinity) firstAt = now;
    if (at !== undefined) latencies[n] = now - at;
    books.enter(n);
    lastAt = now;
    if (returns) return { n };
    return handlerMs === 0 ? undefined : sleep(handlerMs).then(() => (lastAt = nowMs()));
  };
  link.say('loaded');
  await link.hear();
  await system.consumer(address, queue, { concurrency, handle, returns, ...payload });
  link.say('started');
  await link.hear();
  return { times: books.times, distinct: books.distinct, latencies, firstAt, lastAt };
}

async function proxy({ address, delayMs }, link) {
  link.say(await startProxy(address, delayMs));
  await link.hear();
}

async function http(_params, link) {
  link.say(await startHttpServer());
  await link.hear();
}
