import { type Address, modeOf } from './address.js';
import { findRunning } from '../embedded/embedded.js';
import { hasStoredMessages } from '../embedded/lost-data.js';
import { findProgram } from '../embedded/native.js';
import { ping } from '../embedded/ping.js';
import { type Project, projectAt } from '../embedded/project.js';
import type { Kind } from '../embedded/record.js';
import { handshake, type Handshake } from './handshake.js';
import { labelOf, namedAddress, type Endpoint } from './named-address.js';

/** Result of discovery: the server that {@link findRedis} would use without options. */
export interface Discovery {
  /** Where the search would end: at a running server, at one that would be `started`, or at `none`. */
  readonly source: Address['source'] | 'started' | 'none';
  /** The running server. */
  readonly server?: Handshake & { readonly label: string };
  /** The server that would be started. */
  readonly start?: { readonly kind: Kind; readonly name: string; readonly version?: string };
  readonly project: Project;
  /** Whether the data directory of the running embedded server was deleted: it loses its messages when it ends. */
  readonly hasLostData?: boolean;
  /** Url of the running server, with which other programs use the same server. */
  readonly url?: string;
}

/**
 * Finds the server that {@link findRedis} would use, without starting one.
 *
 * @throws RedisUnreachableError if a named server, or the running server of the project, does not answer
 */
export async function discover(env: NodeJS.ProcessEnv, cwd: string, localPort = 6379): Promise<Discovery> {
  const project = projectAt(cwd, env);
  const present = async (endpoint: Endpoint, source: Address['source']): Promise<Discovery> => {
    const label = labelOf(endpoint);
    // The label, because the address of a named server may contain a password, which must not be printed.
    return { source, project, server: { ...(await handshake(endpoint)), label }, url: label };
  };
  const named = namedAddress({}, env);
  if (named !== undefined) return present(named.endpoint, named.source);
  const mode = modeOf(env);
  const local = { host: '127.0.0.1', port: localPort };
  const answer = mode === 'auto' || mode === 'off' ? await ping(local, 200) : 'closed';
  if (answer === 'ready' || answer === 'loading') return present(local, 'local');
  if (mode === 'off' || env.NODE_ENV === 'production') return { source: 'none', project };
  const running = await findRunning(project);
  if (running !== undefined) {
    const found = await present({ path: running.socket }, 'embedded');
    const isNative = found.server?.name !== 'js-redis-server';
    return { ...found, hasLostData: !running.kind && isNative && !hasStoredMessages(project) };
  }
  const program = mode === 'js' ? undefined : await findProgram(env);
  if (program !== undefined)
    return { source: 'started', project, start: { kind: 'native', name: program.name, version: program.version } };
  if (mode === 'native') return { source: 'none', project };
  return { source: 'started', project, start: { kind: 'js', name: 'js-redis-server' } };
}
