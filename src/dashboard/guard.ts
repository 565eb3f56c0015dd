import type { Context, MiddlewareHandler } from 'hono';
import { basicAuth } from 'hono/basic-auth';
import type { ResolvedOptions } from './options.js';
import { RefusedRequest } from './refusals.js';

/** What later handlers know of a request. */
export interface Env {
  Variables: { isReadOnly: boolean };
}

/**
 * A page of this dashboard loads only its own files, and no other page shows it in a frame. A program that shows a message as HTML
 * by mistake still runs no script of it.
 */
const headers = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
};

export const withSafeHeaders: MiddlewareHandler<Env> = async (c, next) => {
  await next();
  for (const [name, value] of Object.entries(headers)) c.res.headers.set(name, value);
  if (!c.res.headers.has('cache-control')) c.res.headers.set('cache-control', 'no-store');
};

/** Refuses requests by their host, their login, and `authorize`; and every change that is not allowed. In this order. */
export function guards({ hosts, login, authorize, isReadOnly }: ResolvedOptions): MiddlewareHandler<Env>[] {
  return [
    async (c, next) => {
      if (hosts && !hosts.includes(hostOf(c))) refuseHost(hostOf(c));
      await next();
    },
    ...(login ? [basicAuth({ username: login.user, password: login.password, realm: 'hotqueue' })] : []),
    async (c, next) => {
      const permission = authorize ? await authorize(c.req.raw) : true;
      // Only true and 'read-only' allow: an undefined of a program that forgot to return must not.
      if (permission !== true && permission !== 'read-only')
        throw new RefusedRequest(403, 'FORBIDDEN', 'this visitor may not see the dashboard');
      c.set('isReadOnly', isReadOnly || permission === 'read-only');
      if (!isSafe(c.req.method)) refuseForeign(c);
      if (!isSafe(c.req.method) && c.get('isReadOnly'))
        throw new RefusedRequest(403, 'READ_ONLY', 'this dashboard is read-only: nothing was changed');
      await next();
    },
  ];
}

const isSafe = (method: string): boolean => method === 'GET' || method === 'HEAD';

/** Name of the host that the browser used, without the port. */
function hostOf(c: Context<Env>): string {
  const host = c.req.header('host') ?? new URL(c.req.url).host;
  return host.replace(/:\d+$/, '').toLowerCase();
}

function refuseHost(host: string): never {
  throw new RefusedRequest(
    421,
    'UNKNOWN_HOST',
    `unknown host "${host.slice(0, 200)}": allow it with the option "hosts", or --allow-host on the command line`,
  );
}

/**
 * Refuses a change that another site asks a browser for. Browsers send `Sec-Fetch-Site` or `Origin`, and ask before they send JSON
 * to another site. A program that is no browser sends neither header.
 */
function refuseForeign(c: Context<Env>): void {
  const [site, origin] = [c.req.header('sec-fetch-site'), c.req.header('origin')];
  const isForeign =
    site === undefined ? origin !== undefined && !isOrigin(origin, c.req.header('host')) : site !== 'same-origin';
  if (isForeign)
    throw new RefusedRequest(403, 'OTHER_SITE', 'this request comes from another site: nothing was changed');
  const type = c.req.header('content-type')?.split(';')[0]?.trim().toLowerCase();
  if (type !== 'application/json')
    throw new RefusedRequest(415, 'NOT_JSON', 'expected a body with the content type application/json');
}

/** Whether an origin, such as `http://127.0.0.1:8081`, has this host and port. */
const isOrigin = (origin: string, host: string | undefined): boolean =>
  URL.canParse(origin) && new URL(origin).host === host?.toLowerCase();
