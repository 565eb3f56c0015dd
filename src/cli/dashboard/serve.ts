import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dashboard } from '../../dashboard/index.js';
import { addressOf } from '../flags.js';
import { say } from '../output.js';
import { untilInterrupted } from '../printed.js';
import { DashboardPortError } from '../errors.js';

/** Options of `hotqueue dashboard`. */
export interface DashboardFlags {
  readonly port: number;
  readonly host: string;
  readonly allowHost?: readonly string[];
  readonly user?: string;
  readonly password?: string;
  readonly insecure?: boolean;
  readonly readOnly?: boolean;
  readonly redact?: readonly string[];
  readonly basePath: string;
  readonly open?: boolean;
  readonly url?: string;
  readonly db?: number;
  readonly prefix?: string;
}

const loopback = ['localhost', '127.0.0.1', '[::1]'];

/** Whether an address is reached from this machine only. */
export const isLoopback = (host: string): boolean =>
  /^127(\.\d{1,3}){3}$/.test(host) || ['localhost', '::1', '[::1]'].includes(host);

/** Why the dashboard does not start with these options; `undefined` if it does. */
export function refusalOf({ host, user, password, insecure }: DashboardFlags): string | undefined {
  if ((user === undefined) !== (password === undefined))
    return user === undefined
      ? '--password needs --user: a browser sends both'
      : '--user needs --password, or HOTQUEUE_DASHBOARD_PASSWORD in the environment';
  if (!isLoopback(host) && user === undefined && insecure !== true)
    return `--host ${host} can be reached from other machines: add --user and --password, or --insecure if your network protects it`;
  return undefined;
}

/** Serves the page until a signal comes. */
export async function serve(names: readonly string[], flags: DashboardFlags): Promise<void> {
  const { host, port, user, password, basePath, redact = [], readOnly = false } = flags;
  const { url, db, prefix } = addressOf(flags);
  await using board = dashboard({
    ...(url !== undefined && { url }),
    ...(db !== undefined && { db }),
    ...(prefix !== undefined && { prefix }),
    ...(user !== undefined && { login: { user, password: password! } }),
    ...(hostsOf(flags) && { hosts: hostsOf(flags)! }),
    ...{ queues: names, readOnly, redact, basePath },
  });
  const server = createServer((request, response) => void board.handle(request, response));
  server.listen(port, host.replace(/^\[|\]$/g, ''));
  try {
    await once(server, 'listening');
  } catch (error) {
    throw new DashboardPortError(host, port, error as NodeJS.ErrnoException);
  }
  const address = `http://${isLoopback(host) ? host : '127.0.0.1'}:${(server.address() as AddressInfo).port}${basePath}`;
  say(`the dashboard is at ${address}${readOnly ? ', read-only' : ''}; Ctrl-C ends it`);
  if (flags.open) openBrowser(address);
  await untilInterrupted((signal) => new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve())));
  server.closeAllConnections();
  server.close();
}

/** Names that a browser may use. Behind a login all are allowed, unless some are given: the login protects against DNS rebinding. */
function hostsOf({ host, allowHost, user }: DashboardFlags): string[] | undefined {
  if (allowHost === undefined && user !== undefined) return undefined;
  if (allowHost === undefined && !isLoopback(host)) return undefined;
  return [...loopback, host, ...(allowHost ?? [])].map((name) => name.toLowerCase());
}

function openBrowser(address: string): void {
  const [command, ...args] =
    process.platform === 'darwin' ? ['open'] : process.platform === 'win32' ? ['cmd', '/c', 'start'] : ['xdg-open'];
  const child = spawn(command, [...args, address], { stdio: 'ignore', detached: true });
  child.on('error', () => say(`no browser could be opened: open ${address} yourself`));
  child.unref();
}
