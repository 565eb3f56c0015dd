import { spawnSync } from 'node:child_process';

/** Whether Prometheus' own checker is here. Debian has it in the package `prometheus`. */
export const hasPromtool = spawnSync('promtool', ['--version']).status === 0;
/** For the names of the tests that need it. */
export const skipped = hasPromtool ? '' : ' (skipped: promtool is not installed)';
