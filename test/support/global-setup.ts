import type { TestProject } from 'vitest/node';
import { findRunning } from '../../src/embedded/embedded.js';
import { projectAt } from '../../src/embedded/project.js';
import { compileProgram } from './compiled-program.js';
import { realProgram, startRedis, startTestEngine, type TestServer } from './servers.js';

declare module 'vitest' {
  export interface ProvidedContext {
    /** The kind of server for the tests of this project; set in `vitest.config.ts`. */
    serverKind: 'redis' | 'engine';
    /** How long `until` waits by default, in ms; set in `vitest.config.ts`. */
    patienceMs: number;
    /** Its url, or `!` and the reason why there is none. */
    serverUrl: string;
    /** Main file of the compiled command line; only for the projects `redis` and `long`. */
    programMain: string;
  }
}

/** One server per vitest project: a real Redis for `redis` and `house`, the JavaScript engine for `engine`. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const kind = project.config.provide.serverKind;
  const program = ['redis', 'long'].includes(project.name) ? compileProgram() : undefined;
  if (program) project.provide('programMain', program.main);
  const wasRunning = await hasOwnServer();
  const stop = await serve(project, kind);
  return async () => {
    program?.remove();
    await stop();
    if (wasRunning || !(await hasOwnServer())) return;
    process.exitCode = 1; // vitest only prints what a teardown throws
    throw new Error(
      'a test has started the server of this project: give its queue a url. "npx hotqueue redis stop" ends it',
    );
  };
}

/** Whether the server runs that this project gets if a queue has no address. It stays when the tests end. */
async function hasOwnServer(): Promise<boolean> {
  return (await findRunning(projectAt(process.cwd(), process.env))) !== undefined;
}

async function serve(project: TestProject, kind: 'redis' | 'engine' | undefined): Promise<() => Promise<void>> {
  let server: TestServer;
  try {
    server = kind === 'engine' ? await startTestEngine() : await startRedis(await realProgram());
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    // Tests without Redis still run. Tests that need Redis fail with this message.
    project.provide('serverUrl', `!cannot start a test server (${kind}): ${reason}`);
    return async () => {};
  }
  project.provide('serverUrl', server.url);
  return server.stop;
}
