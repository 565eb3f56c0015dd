import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { joinOrStart, stopRunning } from '../embedded/embedded.js';
import { projectAt } from '../embedded/project.js';
import type { Composed } from './step.js';

const run = promisify(execFile);
/** This relative path is the same in the repository (src) and in the installed package (dist). */
const file = fileURLToPath(new URL('../../examples/compose/compose.yaml', import.meta.url));
const project = 'hotqueue-lesson';

/** The text of the compose file. */
export const composeFile = (): string => readFileSync(file, 'utf8').trimEnd();

/** The three services, running. */
export interface Services extends Composed {
  down(): Promise<void>;
}

/**
 * Starts the three services: as containers if Docker answers, else as one separate Redis.
 *
 * @param env passed to Docker; `HOTQUEUE_REDIS` selects the kind of Redis
 */
export async function up(env: NodeJS.ProcessEnv): Promise<Services> {
  return (await hasDocker(env)) ? containers(env) : processes(env);
}

async function hasDocker(env: NodeJS.ProcessEnv): Promise<boolean> {
  try {
    await run('docker', ['compose', 'version'], { env });
    await run('docker', ['info'], { env });
    return true;
  } catch {
    return false;
  }
}

async function containers(env: NodeJS.ProcessEnv): Promise<Services> {
  const compose = (...words: string[]): Promise<unknown> =>
    run('docker', ['compose', '-p', project, '-f', file, ...words], { env });
  await compose('up', '-d', '--wait');
  return { kind: 'containers', url: 'redis://127.0.0.1:6379/1', down: async () => void (await compose('down')) };
}

async function processes(env: NodeJS.ProcessEnv): Promise<Services> {
  const dir = realpathSync(mkdtempSync(join(tmpdir(), 'hqc-'))); // a short path: the path of a Unix socket may have about 100 characters
  writeFileSync(join(dir, 'package.json'), '{}');
  const own = projectAt(dir, env);
  const kinds = env['HOTQUEUE_REDIS'] === 'js' ? (['js'] as const) : (['native', 'js'] as const);
  const { socket } = await joinOrStart(own, kinds, env);
  return {
    kind: 'processes',
    url: `unix://${socket}`,
    down: async () => {
      await stopRunning(own, undefined);
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
