import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';
import { Meter } from '../meter.js';

const folder = new URL('../python/', import.meta.url).pathname;
const run = promisify(execFile);

/** Python programs that measure themselves: the files in bench/python, and the module that they need. */
const programs = {
  'python-hotqueue': { file: 'hotqueue_like.py', needs: 'redis', title: 'Python, as HotQueue' },
  'python-rq': { file: 'rq_jobs.py', needs: 'rq', title: 'RQ' },
  'python-celery': { file: 'celery_jobs.py', resultsFile: 'celery_results.py', needs: 'celery', title: 'Celery' },
};

/**
 * By program: the first Python of this machine that has the needed module, and the module's version. `HOTQUEUE_BENCH_PYTHON`
 * names a Python to try first.
 */
export async function findPythons() {
  const found = await Promise.all(
    Object.entries(programs).map(async ([name, { needs }]) => [name, needs, await pythonWith(needs)]),
  );
  return new Map(found.filter(([, , python]) => python).map(([name, needs, python]) => [name, { needs, ...python }]));
}

async function pythonWith(module) {
  for (const python of [process.env.HOTQUEUE_BENCH_PYTHON, 'python3', '/usr/bin/python3'].filter(Boolean)) {
    const { stdout } = await run(python, ['-c', `import ${module}; print(${module}.__version__)`], {
      timeout: 20_000,
    }).catch(() => ({}));
    if (stdout) return { python, version: stdout.trim() };
  }
  return undefined;
}

/** @returns {import('./index.js').System} */
export function pythonSystem(name) {
  const { file, resultsFile, needs, title } = programs[name];
  return {
    title,
    async measure({ host, port }, meter, { way, count }) {
      const { python } = await pythonWith(needs);
      const before = await meter.read();
      const program = way === 'results' ? resultsFile : file;
      const child = spawn(python, [program, way, String(count), host, String(port)], {
        cwd: folder,
        env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1' },
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      process.once('exit', () => child.kill('SIGKILL'));
      let said = '';
      child.stdout.setEncoding('utf8').on('data', (text) => (said += text));
      const [code] = await once(child, 'close');
      if (code !== 0) throw new Error(`python exited with ${code}`);
      const { ms, lost, duplicates } = JSON.parse(/^{.*}$/m.exec(said)[0]); // Celery prints other lines too
      const { redisUsPerJob, commandsPerJob } = Meter.perJob(before, await meter.read(), count);
      return { jobs: count, ms, perSecond: (count / ms) * 1_000, redisUsPerJob, commandsPerJob, lost, duplicates };
    },
  };
}
