import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Project } from './project.js';
import { startServer } from './start-server.js';

/**
 * Starts the JavaScript engine in a separate process that outlives this one. So a script that puts and a script that takes need
 * not run at the same time. Messages are in memory only.
 *
 * @throws RedisUnreachableError if it does not start, with the last line of its log
 */
export async function startEngine(project: Project, env: NodeJS.ProcessEnv): Promise<void> {
  const command = engineCommand(project.socket);
  const title = 'the JavaScript engine';
  await startServer(project, { ...command, kind: 'js', title, env: withoutDebugger(env), log: 'engine.log' });
}

/** The command that runs the engine on `socket`. */
export function engineCommand(socket: string): { command: string; args: string[]; cwd: string } {
  const here = fileURLToPath(import.meta.url);
  const cwd = path.dirname(here);
  // When run from sources, Node needs a loader for TypeScript. It resolves the loader's name from the working directory.
  const loader = here.endsWith('.ts') ? ['--import', '@oxc-node/core/register'] : [];
  return {
    command: process.execPath,
    args: [...loader, path.join(cwd, `engine-process${path.extname(here)}`), socket],
    cwd,
  };
}

/** Removes debugger options: a debugger would stop the engine at its first line, or fail because its port is in use. */
function withoutDebugger(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const { NODE_V8_COVERAGE: _, NODE_OPTIONS: options = '', ...rest } = env;
  return { ...rest, NODE_OPTIONS: options.replace(/--inspect\S*/g, '').trim() };
}
