import type { IncomingMessage, ServerResponse } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import { app } from './app.js';
import { resolve, type DashboardOptions, type Permission } from './options.js';
import { Sources } from './sources.js';

export type { DashboardOptions, Permission };

/**
 * A dashboard, as {@link dashboard} returns it.
 *
 * @example
 * ```ts
 * createServer(board.handle).listen(8081, '127.0.0.1');
 * ```
 */
export interface Dashboard extends AsyncDisposable {
  /**
   * Answers a request of the Fetch standard, for Hono, Next.js, Bun, Deno and others.
   *
   * @example
   * ```ts
   * app.mount('/queues', board.fetch);
   * ```
   */
  readonly fetch: (request: Request) => Promise<Response>;
  /**
   * Answers a request of node:http, for Express, Fastify, NestJS and others.
   *
   * @example
   * ```ts
   * expressApp.use('/queues', board.handle);
   * ```
   */
  readonly handle: (request: IncomingMessage, response: ServerResponse) => Promise<void>;
  /**
   * Ends the streams of all browsers, and closes the connections to Redis.
   *
   * @example
   * ```ts
   * await board.close();
   * ```
   */
  close(): Promise<void>;
}

/**
 * Makes a web page that shows queues, messages, workers and schedules, and changes them. It reads Redis only while a browser looks
 * at it.
 *
 * It protects itself against other web sites. Without one of the options below, each visitor may use it: mount it behind the login of your program, or
 * use the options `login`, `authorize` and `readOnly`.
 *
 * @throws InvalidOptionError
 * @example
 * ```ts
 * import { createServer } from 'node:http';
 * import { dashboard } from 'hotqueue/dashboard';
 *
 * const board = dashboard({ url: 'redis://127.0.0.1:6379' });
 * createServer(board.handle).listen(8081, '127.0.0.1');
 * ```
 */
export function dashboard(options: DashboardOptions = {}): Dashboard {
  const resolved = resolve(options);
  const sources = new Sources(resolved);
  const routes = app(sources);
  const fetch = async (request: Request): Promise<Response> => routes.fetch(withoutBase(request, resolved.basePath));
  const listener = getRequestListener(fetch, { overrideGlobalObjects: false });
  const close = (): Promise<void> => sources.close();
  return {
    fetch,
    handle: async (request, response) => {
      keepParsedBody(request);
      await listener(request, response);
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** The request with its path below the mount point. Some frameworks have removed the mount point already. */
function withoutBase(request: Request, basePath: string): Request {
  if (basePath === '') return request;
  const url = new URL(request.url);
  if (url.pathname !== basePath && !url.pathname.startsWith(`${basePath}/`)) return request;
  url.pathname = url.pathname.slice(basePath.length) || '/';
  return new Request(url, request);
}

/** A body parser of Express has read the body of the request: it is put back. */
function keepParsedBody(request: IncomingMessage & { body?: unknown; rawBody?: Buffer }): void {
  if (request.readableEnded && request.rawBody === undefined && request.body !== undefined)
    request.rawBody = Buffer.from(typeof request.body === 'string' ? request.body : JSON.stringify(request.body));
}
