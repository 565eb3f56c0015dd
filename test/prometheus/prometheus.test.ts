import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { Registry, type OpenMetricsContentType } from 'prom-client';
import { describe, expect, it, onTestFinished } from 'vitest';
import { HotQueue, InvalidOptionError, start } from 'hotqueue';
import { collectMetrics } from '../../src/prometheus/index.js';
import { families } from '../../src/prometheus/families.js';
import { until } from '../support/facts.js';
import { aBroker, aName, aQueue } from '../support/queue.js';
import { redisUrl } from '../support/server.js';
import { aWorker } from '../support/takes.js';
import { hasPromtool, skipped } from './promtool.js';

const at = { withinMs: 10_000 };

function aRegistry(queues: readonly string[], url = redisUrl()): Registry {
  const registry = new Registry();
  const collected = collectMetrics(registry, { url, queues });
  onTestFinished(() => collected.close());
  return registry;
}

/** Values by name and labels, such as `hotqueue_messages{queue="q",state="dead"}`. */
async function scrape(registry: Registry): Promise<Record<string, number>> {
  const lines = (await registry.metrics()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return Object.fromEntries(
    lines.map((line): [string, number] => {
      const [, key, value] = /^(.+) (\S+)$/.exec(line)!;
      return [key!, Number(value)];
    }),
  );
}

describe('the metrics of a queue', () => {
  it('have what waits, what was done, and how long it took', async () => {
    const queue = aQueue();
    await queue.put('ok', 'no');
    await queue.with({ delay: '1h' }).put('later');
    const runner = start(
      queue.worker(
        (payload) => {
          if (payload === 'no') throw new Error('no');
        },
        { attempts: 1 },
      ),
    );
    await until(
      () => queue.counts(),
      ({ waiting, active }) => waiting + active === 0,
    );
    const registry = aRegistry([queue.name]);
    const q = `queue="${queue.name}"`;
    expect((await scrape(registry))[`hotqueue_workers{${q},state="working"}`]).toBe(1);
    await runner.stop();
    const values = await scrape(registry);
    expect(values).toMatchObject({
      [`hotqueue_messages{${q},state="delayed"}`]: 1,
      [`hotqueue_messages{${q},state="dead"}`]: 1,
      [`hotqueue_messages_total{${q},outcome="handled"}`]: 1,
      [`hotqueue_messages_total{${q},outcome="failed"}`]: 1,
      [`hotqueue_messages_total{${q},outcome="dead"}`]: 1,
      [`hotqueue_run_seconds_bucket{${q},le="+Inf"}`]: 2,
      [`hotqueue_run_seconds_bucket{${q},le="16777.216"}`]: 2,
      [`hotqueue_wait_seconds_count{${q}}`]: 2,
      [`hotqueue_workers{${q},state="working"}`]: 0,
      hotqueue_redis_up: 1,
    });
    expect(values[`hotqueue_oldest_seconds{${q}}`]).toBe(0);
  });

  it('have the memory of each process with a worker once', async () => {
    const queue = aQueue();
    const runner = start([queue.worker(() => {}), queue.worker(() => {})]);
    await until(async () => (await queue.workers.list()).length === 2);
    const found = Object.entries(await scrape(aRegistry([queue.name]))).filter(([key]) => key.includes('memory'));
    expect(found).toHaveLength(1);
    expect(found[0]![0]).toContain(`process="${process.pid}"`);
    expect(found[0]![1]).toBeGreaterThan(20_000_000);
    await runner.stop();
  });

  it('never shrink: not while workers come and go, and not when a heartbeat arrives twice', async () => {
    const broker = aBroker();
    const name = broker.keys.base.slice('hotqueue:'.length);
    const counter = `hotqueue_messages_total{queue="${name}",outcome="handled"}`;
    const seen: number[] = [];
    const look = async (): Promise<void> => void seen.push((await scrape(aRegistry([name])))[counter]!);
    for (const [worker, counts] of [
      ['v', [3, 3, 2, 5]],
      ['w', [1, 4]],
    ] as const) {
      await aWorker(broker, worker);
      for (const count of counts) {
        await broker.beat(worker, 1, [], at, '', { text: `handled ${count}`, at: Date.now() });
        await look();
      }
      await broker.leave(worker, at, '', { text: `handled ${counts.at(-1)}`, at: Date.now() });
      await look();
    }
    expect(seen).toEqual([3, 3, 3, 5, 5, 6, 9, 9]);
  });

  it.skipIf(!hasPromtool)(`follow the rules of promtool${skipped}`, async () => {
    const queue = aQueue({ lease: 1_000 });
    await queue.put('a');
    const runner = start(queue.worker(() => undefined));
    await until(async () => (await queue.counts()).done === 1);
    const text = await aRegistry([queue.name]).metrics();
    expect(text).toContain('hotqueue_worker_memory_bytes{');
    const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' });
    expect([status, stdout + stderr]).toEqual([0, '']);
    await runner.stop();
  });

  it('of all queues are found without their names', async () => {
    const prefix = aName();
    const queue = new HotQueue('a', { url: redisUrl(), prefix, logger: false });
    const registry = new Registry();
    const collected = collectMetrics(registry, { url: redisUrl(), prefix });
    onTestFinished(async () => {
      await collected.close();
      await queue.close();
    });
    await queue.put('x');
    expect((await scrape(registry))['hotqueue_messages{queue="a",state="waiting"}']).toBe(1);
  });

  it('say that Redis is down, and nothing else', async () => {
    const registry = aRegistry(['a'], 'redis://127.0.0.1:1');
    expect(await scrape(registry)).toEqual({ hotqueue_redis_up: 0 });
  });

  it('leave the registry when they are closed', async () => {
    const registry = new Registry();
    await collectMetrics(registry, { url: redisUrl(), queues: ['a'] }).close();
    expect(registry.getMetricsAsArray()).toEqual([]);
  });

  it('need a registry in the text format of Prometheus', () => {
    const registry = new Registry<OpenMetricsContentType>();
    registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
    expect(() => collectMetrics(registry as unknown as Registry)).toThrow(InvalidOptionError);
  });
});

describe('names', () => {
  it.each(families)('of $name follow the rules of Prometheus', ({ name, type, help, labels }) => {
    expect(name).toMatch(/^hotqueue(_[a-z]+)+$/);
    expect(name.endsWith('_total')).toBe(type === 'counter');
    expect(name).not.toMatch(/_(count|sum|bucket|info|gauge|counter|histogram|milliseconds|ms|kilobytes|percent)$/);
    if (type === 'histogram') expect(name).toMatch(/_seconds$/);
    for (const label of labels) expect(label).toMatch(/^(?!le$|__)[a-z]+$/);
    expect(help).toMatch(/\.$/);
  });

  it('of a metric are used once, and its samples have its labels', async () => {
    expect(new Set(families.map(({ name }) => name)).size).toBe(families.length);
    const queue = aQueue();
    await queue.put('a');
    const registry = aRegistry([queue.name]);
    for (const metric of await registry.getMetricsAsJSON()) {
      const { labels } = families.find(({ name }) => name === metric.name)!;
      for (const { labels: its } of metric.values)
        expect(Object.keys(its).filter((label) => label !== 'le')).toEqual(labels);
    }
  });

  it.each(['grafana-dashboard.json', 'alerts.yaml'])('in docs/monitoring/%s all exist', (file) => {
    const text = readFileSync(new URL(`../../docs/monitoring/${file}`, import.meta.url), 'utf8');
    if (file.endsWith('.json')) JSON.parse(text);
    const written = families.flatMap(({ name, type }) =>
      type === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name],
    );
    const used = [...new Set(text.match(/\bhotqueue_\w+/g))];
    expect(used.filter((name) => !written.includes(name))).toEqual([]);
    // Each metric is on the dashboard.
    if (file.endsWith('.json'))
      for (const { name } of families) expect(used.some((one) => one.startsWith(name))).toBe(true);
  });
});
