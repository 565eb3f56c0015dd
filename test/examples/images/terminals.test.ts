import { mkdir, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { resized } from '../../../examples/images/resizing.js';
import { until } from '../../support/facts.js';
import { redis } from '../../support/queue.js';
import { forget, Program } from '../program.js';
import { aBrokenImage, aFolder, draw } from './photos.js';

let folder: string;
const results = () => path.join(resized, path.basename(folder));

beforeEach(async () => {
  await forget('images');
  folder = path.join(await aFolder(), `terminals-${process.pid}`);
  await mkdir(folder);
});
afterEach(() => rm(results(), { recursive: true, force: true }));

describe('producer, worker and monitor', () => {
  it('work together from three terminals', async () => {
    for (const name of ['a.jpg', 'b.png', 'c.gif', 'd.webp']) await draw(folder, name);
    const monitor = new Program('images/monitor.ts', ['--every', '50']);
    await monitor.prints('images  waiting 0  delayed 0  active 0  dead 0  workers 0  rate -\n');

    const producer = new Program('images/producer.ts', [folder]);
    expect(await producer.ended()).toBe(0);
    expect(producer.lines).toEqual(['put 4 tasks, now 4 are waiting']);
    await monitor.prints('waiting 4  delayed 0  active 0  dead 0  workers 0');
    await monitor.prints('next a.jpg to 800×600, b.png to 800×600, c.gif to 800×600');

    const worker = new Program('images/worker.ts');
    for (const name of ['a.jpg', 'b.png', 'c.gif', 'd.webp']) await worker.prints(`${name} → `);
    await monitor.prints('waiting 0  delayed 0  active 0  dead 0  workers 1');
    expect((await readdir(results())).sort()).toEqual([
      'a-800x600.jpg',
      'b-800x600.png',
      'c-800x600.gif',
      'd-800x600.webp',
    ]);

    expect(await worker.interrupt()).toBe(0);
    await monitor.prints('workers 0  rate 0.0/s');
    expect(await monitor.interrupt()).toBe(0);
    expect(monitor.stderr).toBe('');
  });

  it('show a broken image while it waits for its retry', async () => {
    await aBrokenImage(folder);
    await new Program('images/producer.ts', [folder]).ended();
    const monitor = new Program('images/monitor.ts', ['--every', '50']);
    await monitor.prints('waiting 1  delayed 0');
    const worker = new Program('images/worker.ts');
    await monitor.prints('waiting 0  delayed 1  active 0  dead 0  workers 1');
    await monitor.prints('waiting 0  delayed 0  active 0  dead 1  workers 1');
    await until(() => worker.stderr.includes('was buried (failed 3 of 3 attempts)'));
    expect(await worker.interrupt('SIGTERM')).toBe(0);
    expect(await monitor.interrupt('SIGTERM')).toBe(0);
    expect(await redis().zcard('{hotqueue:images}:dead')).toBe(1);
  });

  it('let two workers share the tasks, each done once', async () => {
    const names = Array.from({ length: 30 }, (_, index) => `${index}.png`);
    for (const name of names) await draw(folder, name, 1200, 900);
    const workers = [new Program('images/worker.ts'), new Program('images/worker.ts')];
    for (const worker of workers) await worker.prints('is waiting');
    await new Program('images/producer.ts', [folder]).ended();
    for (const name of names) {
      await expect
        .poll(() => workers.filter((worker) => worker.stdout.includes(`\n${name} → `)).length, { timeout: 20_000 })
        .toBe(1);
    }
    for (const worker of workers) expect(await worker.interrupt()).toBe(0);
    const done = workers.map((worker) => worker.lines.length - 1);
    expect(done[0]! + done[1]!).toBe(30);
  });

  it('report a folder without images', async () => {
    const producer = new Program('images/producer.ts', [folder]);
    expect(await producer.ended()).toBe(1);
    expect(producer.stderr).toMatch(/^there are no images in .*\n$/);
  });
});
