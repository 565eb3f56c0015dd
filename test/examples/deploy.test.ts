import { expect, it } from 'vitest';
import { Program } from './program.js';

it('deploy: a new version replaces the old one under load, and no order is lost', async () => {
  const deploy = new Program('deploy/deploy.ts', ['2']);
  expect(await deploy.ended(), deploy.stderr).toBe(0);
  expect(deploy.lines.slice(0, 2)).toEqual([
    'v2-1 takes messages, v1-1 exited with 0',
    'v2-2 takes messages, v1-2 exited with 0',
  ]);
  const [, put, shipped] = /^put (\d+) = shipped (\d+) \+ dead 0 \+ still in the queue 0$/
    .exec(deploy.lines[2]!)!
    .map(Number);
  const [, before, after] = /^shipped by version 1: (\d+), by version 2: (\d+), twice: 0, lost: 0$/
    .exec(deploy.lines[3]!)!
    .map(Number);
  expect([shipped, before! + after!]).toEqual([put, put]);
  expect(Math.min(before!, after!)).toBeGreaterThan(0);
});
