import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';
import { Meter } from '../meter.js';

const program = new URL('../python/hotqueue_like.py', import.meta.url).pathname;
const run = promisify(execFile);

/** The first Python of this machine that has `redis`; `HOTQUEUE_BENCH_PYTHON` names another. */
export async function findPython() {
  for (const python of [process.env.HOTQUEUE_BENCH_PYTHON, 'python3', '/usr/bin/python3'].filter(Boolean)) {
    const { stdout } = await run(python, ['-c', 'import redis; print(redis.__version__)'], { timeout: 10_000 }).catch(() => ({}));
    if (stdout) return { python, redis: stdout.trim() };
  }
  return undefined;
}

/** What Python's HotQueue does, with JSON: RPUSH, and BLPOP which keeps nothing. It is a program of its own, so it measures itself. */
export const system = {
  title: 'Python, as HotQueue',
  async measure({ host, port }, meter, { way, count }) {
    const { python } = await findPython();
    const before = await meter.read();
    const child = spawn(python, [program, way, String(count), host, String(port)], { stdio: ['ignore', 'pipe', 'inherit'] });
    process.once('exit', () => child.kill('SIGKILL'));
    let said = '';
    child.stdout.setEncoding('utf8').on('data', (text) => (said += text));
    const [code] = await once(child, 'close');
    if (code !== 0) throw new Error(`python ended with ${code}`);
    const { ms, lost, duplicates } = JSON.parse(said);
    const { redisUsPerJob, commandsPerJob } = Meter.perJob(before, await meter.read(), count);
    return { jobs: count, ms, perSecond: (count / ms) * 1_000, redisUsPerJob, commandsPerJob, lost, duplicates };
  },
};
