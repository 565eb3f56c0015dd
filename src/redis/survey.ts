import { type Address, modeOf } from './address.js';
import { findRunning } from './embedded/embedded.js';
import { findProgram } from './embedded/native.js';
import { ping } from './embedded/ping.js';
import { type Project, projectAt } from './embedded/project.js';
import type { Kind } from './embedded/record.js';
import { greet, type Greeting } from './greeting.js';
import { labelOf, namedAddress, type Place } from './named-address.js';

/** What {@link findRedis} would find without options, and what runs. */
export interface Survey {
  /** Where the search would end: at a server that is there, at one that would be `started`, or nowhere. */
  readonly rung: Address['source'] | 'started' | 'none';
  /** The server that is there. */
  readonly server?: Greeting & { readonly label: string };
  /** What would be started. */
  readonly start?: { readonly kind: Kind; readonly name: string; readonly version?: string };
  readonly project: Project;
  /** For other programs, which would then use the same server; only while it is there. */
  readonly url?: string;
}

/**
 * Looks, and starts nothing.
 *
 * @throws RedisUnreachableError when a named server, or the project's own, does not answer
 */
export async function survey(env: NodeJS.ProcessEnv, cwd: string, localPort = 6379): Promise<Survey> {
  const project = projectAt(cwd, env);
  const present = async (place: Place, rung: Address['source']): Promise<Survey> => {
    const label = labelOf(place);
    // A named one may hold a password, which is nothing to print.
    return { rung, project, server: { ...(await greet(place)), label }, url: label };
  };
  const named = namedAddress({}, env);
  if (named !== undefined) return present(named.place, named.source);
  const mode = modeOf(env);
  const local = { host: '127.0.0.1', port: localPort };
  if ((mode === 'auto' || mode === 'off') && (await ping(local, 200)) === 'ready') return present(local, 'local');
  if (mode === 'off' || env.NODE_ENV === 'production') return { rung: 'none', project };
  const running = await findRunning(project);
  if (running !== undefined) return present({ path: running.socket }, 'embedded');
  const program = mode === 'js' ? undefined : await findProgram(env);
  if (program !== undefined) return { rung: 'started', project, start: { kind: 'native', name: program.name, version: program.version } };
  if (mode === 'native') return { rung: 'none', project };
  return { rung: 'started', project, start: { kind: 'js', name: 'js-redis-server' } };
}
