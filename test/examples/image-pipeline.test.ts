import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import sharp from 'sharp';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { until } from '../support/facts.js';
import { forget, Program } from './program.js';

let site: string;
beforeEach(async () => {
  await forget('pipeline');
  site = mkdtempSync(path.join(tmpdir(), 'pipeline-'));
});
afterEach(() => rmSync(site, { recursive: true, force: true }));

const pipeline = (...args: string[]) => new Program('image-pipeline/pipeline.ts', args);
const files = (): string[] =>
  readdirSync(site)
    .filter((name) => name.endsWith('.jpg'))
    .sort();

it('one command downloads, resizes and writes the page', async () => {
  const program = pipeline(site);
  expect(await program.ended(), program.stderr).toBe(0);
  expect(program.lines.at(-1)).toBe(path.join(site, 'index.html'));
  expect(program.lines).toContain('25 of 25 jobs are done');
  expect(files()).toHaveLength(18);
  const page = readFileSync(path.join(site, 'index.html'), 'utf8');
  for (const file of files()) {
    const { width, height } = await sharp(path.join(site, file)).metadata();
    expect(page).toContain(`${file} ${width}w`);
    expect([`${width}`, height]).toEqual([/-(\d+)\.jpg$/.exec(file)![1], (width * 3) / 4]);
  }
  expect(page.match(/<figure>/g)).toHaveLength(6);
});

it('in several processes, one of which is killed; a photograph that is not there cancels the page', async () => {
  const server = pipeline('serve');
  await until(() => server.lines.length === 6, Boolean, 60_000);
  const addresses = server.lines;
  const put = pipeline('put', ...addresses.slice(0, 3));
  expect(await put.ended(), put.stderr).toBe(0);
  const [flow = ''] = put.lines;
  const first = pipeline('work', site);
  await until(() => first.lines.length > 0);
  await first.interrupt('SIGKILL');
  const second = pipeline('work', site);
  const show = async (id: string): Promise<string> => {
    const program = pipeline('show', id);
    await program.ended();
    return program.stdout;
  };
  await until(async () => /pipeline-pages +\S+ +done/.test(await show(flow)), Boolean, 60_000);
  expect(files()).toHaveLength(9);
  const bad = pipeline('put', addresses[0]!, new URL('/nothing.jpg', addresses[0]).href);
  expect(await bad.ended()).toBe(0);
  await until(async () => /pipeline-pages +\S+ +cancelled/.test(await show(bad.lines[0]!)), Boolean, 60_000);
  expect(await show(bad.lines[0]!)).toMatch(/pipeline-downloads +\S+ +failed/);
  expect(await second.interrupt()).toBe(0);
  await server.interrupt();
});
