import { isDeepStrictEqual } from 'node:util';
import { importFromBuild, requireFromBuild } from '../build.js';
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
  {
    name: 'validation-dto',
    title: 'whole decode of classes with decorators of class-transformer',
    systems: [ours],
    params: { ms: 150 },
    smoke: { ms: 5 },
    run: runDtos,
  },
  {
    name: 'validation-dto-500',
    title: 'whole decode of classes with decorators of class-transformer, 500 other classes',
    systems: [ours],
    params: { ms: 150, otherClasses: 500 },
    smoke: { ms: 5 },
    run: runDtos,
  },
].map((workload) => ({ group: 'validation', systems, everybodySmokes: true, smoke: { ms: 100 }, run, ...workload }));

/**
 * How many times as fast as class-transformer and class-validator the whole decode is, from text to instance: for each class,
 * measured in turn with them in this process. A ratio of two times in one run does not depend on the machine.
 */
async function runDtos({ params: { ms } }) {
  const { payloadType } = await importFromBuild('payload/payload-type.js');
  const { dtos } = await import('../dto-classes.js');
  const measured = [];
  for (const { cls, payload, declined = false } of dtos) {
    const texts = [JSON.stringify(payload)];
    const type = payloadType(cls);
    const one = (text) => type.decode(text);
    const other = await decodeWithClassValidator(cls);
    assertSame(one(texts[0]), other(texts[0]));
    for (const check of [one, other]) await usOf(check, texts, ms / 2);
    const ratios = [];
    for (let round = 0; round < 3; round += 1)
      ratios.push((await usOf(other, texts, ms)) / (await usOf(one, texts, ms)));
    measured.push({ name: cls.name, declined, times: ratios.sort((a, b) => a - b)[1] });
  }
  const times = measured.map((one) => one.times).sort((a, b) => a - b);
  return { medianTimes: times[Math.floor(times.length / 2)], leastTimes: times[0], classes: measured };
}

function assertSame(one, other) {
  if (!isDeepStrictEqual(one, other)) throw new Error(`different instances of ${other.constructor.name}`);
}

async function decodeWithClassValidator(cls) {
  const { plainToInstance } = requireFromBuild('class-transformer');
  const { validateSync } = requireFromBuild('class-validator');
  return (text) => {
    const instance = plainToInstance(cls, JSON.parse(text), { exposeUnsetFields: false });
    const errors = validateSync(instance);
    if (errors.length > 0) throw new Error(`a valid payload was rejected: ${errors}`);
    return instance;
  };
}

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
