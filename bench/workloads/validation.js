import { importFromBuild } from '../build.js';
import { orderPayload } from '../payloads.js';
import { ours } from '../systems/index.js';

const systems = [ours, 'class-validator'];

/** Time from JSON to a validated instance, without a queue. @type {import('./index.js').Workload[]} */
export const workloads = [
  { name: 'validation', title: 'validation of the sample class', params: { ms: 2_000 } },
  {
    name: 'validation-500',
    title: 'validation of the sample class, 500 other classes',
    params: { ms: 2_000, otherClasses: 500 },
  },
].map((workload) => ({ group: 'validation', systems, everybodySmokes: true, smoke: { ms: 100 }, run, ...workload }));

/** Measures the time of `JSON.parse` too and subtracts it, for both systems. */
async function run({ system, params: { ms } }) {
  const texts = Array.from({ length: 1_000 }, (_, n) => JSON.stringify(orderPayload(n)));
  const check = system.title === 'class-validator' ? await withClassValidator() : await withOurs();
  const instance = check(texts[0]);
  if (instance.constructor.name !== 'Order' || instance.address.constructor.name !== 'Address')
    throw new Error('the result is not an instance of its class');
  await usOf(check, texts, ms / 4);
  await usOf(JSON.parse, texts, ms / 4);
  const parseUs = await usOf(JSON.parse, texts, ms / 2);
  const wholeUs = await usOf(check, texts, ms);
  return { wholeUs, parseUs, validationUs: Math.max(0.001, wholeUs - parseUs) };
}

async function withOurs() {
  const { payloadType } = await importFromBuild('payload/payload-type.js', 'message/payload.js');
  const { Order } = await import('../classes.js');
  const type = payloadType(Order);
  return (text) => {
    const instance = type.decode(text);
    if (instance instanceof Promise) throw new Error('synchronous rules were checked asynchronously');
    return instance;
  };
}

async function withClassValidator() {
  const { Order } = await import('../classes.js');
  const { plainToInstance } = await import('class-transformer');
  const { validateSync } = await import('class-validator');
  return (text) => {
    const instance = plainToInstance(Order, JSON.parse(text));
    if (validateSync(instance).length > 0) throw new Error('a valid payload was rejected');
    return instance;
  };
}

/** Microseconds per call. It reads the clock after each 100 calls, so that half a second is enough for slow functions too. */
async function usOf(one, texts, ms) {
  let rounds = 0;
  let sink;
  const startedAt = performance.now();
  while (performance.now() - startedAt < ms) {
    for (let index = 0; index < 100; index += 1) sink = one(texts[(rounds * 100 + index) % texts.length]);
    rounds += 1;
  }
  const us = ((performance.now() - startedAt) * 1_000) / (rounds * 100);
  if (sink === undefined) throw new Error('the function returned nothing');
  return us;
}
