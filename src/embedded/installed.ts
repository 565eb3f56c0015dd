import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';

/** Paths of a server that `hotqueue redis install` unpacked. */
export interface Installed {
  readonly binary: string;
  /** Directories of the libraries that were unpacked with it. */
  readonly libraries: readonly string[];
}

/** Environment variables with which a program finds the libraries in `dirs`. */
export const librariesIn = (dirs: readonly string[]): NodeJS.ProcessEnv => ({ LD_LIBRARY_PATH: dirs.join(':') });

/** Directory in which servers are unpacked for this user: `$XDG_CACHE_HOME/hotqueue`, by default `~/.cache/hotqueue`. */
export function cacheDir(env: NodeJS.ProcessEnv): string {
  const base = env.XDG_CACHE_HOME;
  const isGiven = base !== undefined && path.isAbsolute(base);
  return path.join(isGiven ? base : path.join(env.HOME ?? homedir(), '.cache'), 'hotqueue');
}

/** The directory of the installed server; {@link install} replaces it as a whole. */
export const serverDir = (env: NodeJS.ProcessEnv): string => path.join(cacheDir(env), 'redis');

/** The installed server, if there is one. */
export function installedServer(env: NodeJS.ProcessEnv): Installed | undefined {
  const dir = serverDir(env);
  try {
    const { binary, libraries } = JSON.parse(readFileSync(path.join(dir, 'installed.json'), 'utf8')) as Installed;
    return { binary: path.join(dir, binary), libraries: libraries.map((each) => path.join(dir, each)) };
  } catch {
    return undefined;
  }
}
