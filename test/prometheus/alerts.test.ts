import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { hasPromtool, skipped } from './promtool.js';

const textOf = (file: string): string => readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');
const all = (text: string, pattern: RegExp): string[] => [
  ...new Set([...text.matchAll(pattern)].map(([, name]) => name!)),
];

const section = /^## Alerts\n([^]*?)^## /m.exec(textOf('docs/production.md'))![1]!;
const rules = textOf('docs/monitoring/alerts.yaml');
const alerts = all(rules, /alert: (\w+)/g);

it('the section Alerts names every alert of the rules, and no other', () => {
  expect(all(section, /`(HotQueue\w+)`/g).sort()).toEqual(alerts.sort());
});

it('each metric of the section is one that the documentation lists and that a rule reads', () => {
  const listed = all(textOf('docs/monitoring.md'), /`(hotqueue_\w+)`/g);
  const named = all(section, /`(hotqueue_\w+)`/g);
  expect(named.length).toBeGreaterThan(5);
  for (const name of named) {
    expect(listed).toContain(name);
    expect(rules).toContain(name);
  }
});

it.skipIf(!hasPromtool)(`each alert fires for what it is for, once, and for nothing else${skipped}`, () => {
  const file = fileURLToPath(new URL('alerts.promtool.yaml', import.meta.url));
  const { status, stdout, stderr } = spawnSync('promtool', ['test', 'rules', file], { encoding: 'utf8' });
  expect(stdout + stderr).toContain('SUCCESS');
  expect(status).toBe(0);
  for (const alert of alerts) expect(textOf('test/prometheus/alerts.promtool.yaml')).toContain(`alertname: ${alert}\n`);
});
