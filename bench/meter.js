import { Redis } from 'ioredis';

// Commands of the benchmark itself, and commands that are sent once for each connection.
const own = new Set(['info', 'config', 'hello', 'client', 'select', 'auth', 'command', 'ping', 'flushall', 'dbsize']);
const scripts = new Set(['eval', 'evalsha', 'fcall', 'evalsha_ro', 'eval_ro', 'fcall_ro']);

/** Reads the cost of a measurement: CPU time of this process and of Redis, and the commands that Redis ran. */
export class Meter {
  /** @param {{ host: string, port: number }} address of the server itself, not of a proxy in front of it */
  constructor(address) {
    this.client = new Redis({ ...address, lazyConnect: false });
  }

  async read() {
    const [cpu, stats] = await Promise.all([this.client.info('cpu'), this.client.info('commandstats')]);
    const calls = new Map();
    for (const [, name, count] of stats.matchAll(/^cmdstat_([^:|]+)[^:]*:calls=(\d+)/gm)) {
      if (!own.has(name)) calls.set(name, (calls.get(name) ?? 0) + Number(count));
    }
    const { user, system } = process.cpuUsage();
    return { redisUs: seconds(cpu, 'used_cpu_user') + seconds(cpu, 'used_cpu_sys'), clientUs: user + system, calls };
  }

  /** Cost per job between two readings. Commands that run inside scripts count as commands. */
  static perJob(before, after, jobs) {
    const ran = new Map(
      [...after.calls]
        .map(([name, count]) => [name, count - (before.calls.get(name) ?? 0)])
        .filter(([, count]) => count > 0),
    );
    let commands = 0;
    let scriptCalls = 0;
    for (const [name, count] of ran) {
      if (scripts.has(name)) scriptCalls += count;
      else commands += count;
    }
    return {
      redisUsPerJob: (after.redisUs - before.redisUs) / jobs,
      clientUsPerJob: (after.clientUs - before.clientUs) / jobs,
      commandsPerJob: commands / jobs,
      scriptCallsPerJob: scriptCalls / jobs,
      calls: Object.fromEntries(ran),
    };
  }

  async memory() {
    return Number(/^used_memory:(\d+)/m.exec(await this.client.info('memory'))[1]);
  }

  async connections() {
    return Number(/^connected_clients:(\d+)/m.exec(await this.client.info('clients'))[1]);
  }

  close() {
    this.client.disconnect();
  }
}

function seconds(info, field) {
  return Number(new RegExp(`^${field}:([\\d.]+)`, 'm').exec(info)[1]) * 1e6;
}
