import { readFile } from 'node:fs/promises';
import os from 'node:os';

/** Hardware and versions on which the absolute numbers were measured. */
export async function machine(program, pythons) {
  return {
    cpu: os.cpus()[0]?.model ?? 'unknown',
    cores: os.cpus().length,
    memoryGigabytes: Math.round(os.totalmem() / 1e9),
    system: `${os.type()} ${os.release()} ${os.arch()}`,
    load: os.loadavg().map((load) => Math.round(load * 100) / 100),
    node: process.version,
    server: `${program.name} ${program.version}`,
    python:
      [...pythons.values()].map(({ needs, version }) => `${needs} ${version}`).join(', ') || 'not on this machine',
    versions: { hotqueue: await versionOf('../package.json'), ...(await pinned()) },
  };
}

async function pinned() {
  return JSON.parse(await readFile(new URL('./package.json', import.meta.url), 'utf8')).dependencies;
}

async function versionOf(file) {
  return JSON.parse(await readFile(new URL(file, import.meta.url), 'utf8')).version;
}
