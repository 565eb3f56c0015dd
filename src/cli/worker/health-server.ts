import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { RunnerHealth } from 'hotqueue';
import { readingOf } from '../../inspect/totals.js';
import { registerFamilies } from '../../prometheus/register.js';
import { HealthAddressError } from '../errors.js';
import type { HealthAddress } from './health-address.js';
import type { Log } from './log.js';
import type { WorkerProcess } from './worker-process.js';

/** Serves the health of a worker process: `/livez`, `/readyz` and `/metrics`. */
export class HealthServer {
  #metrics: Promise<(() => Promise<string>) | undefined> | undefined;

  private constructor(
    private readonly server: Server,
    private readonly worker: Pick<WorkerProcess, 'health' | 'queues'>,
  ) {}

  /** @throws HealthAddressError */
  static async listen(address: HealthAddress, worker: WorkerProcess, log: Log): Promise<HealthServer> {
    const server = createServer();
    const health = new HealthServer(server, worker);
    server.on('request', (request, response) => void health.#answer(request, response));
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error) => reject(new HealthAddressError(address.host, address.port, error)));
      server.listen(address.port, address.host, resolve);
    });
    const { port } = server.address() as { port: number };
    log('health', { url: `http://${address.host.includes(':') ? `[${address.host}]` : address.host}:${port}` });
    server.unref(); // the workers keep the process alive
    return health;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  async #answer({ method, url = '' }: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = url.split('?')[0];
    if (method !== 'GET' && method !== 'HEAD') return end(response, 405, 'use GET\n');
    const { health } = this.worker;
    // Before its workers have started, a process is live, and not ready.
    if (path === '/livez') return report(response, health?.isLive ?? true, health);
    if (path === '/readyz') return report(response, health?.isReady ?? false, health);
    if (path !== '/metrics') return end(response, 404, 'not found: use /livez, /readyz or /metrics\n');
    try {
      const text = await (await (this.#metrics ??= this.#collect()))?.();
      if (text === undefined) end(response, 501, 'prom-client is not installed: run "npm install prom-client"\n');
      else end(response, 200, text, 'text/plain; version=0.0.4; charset=utf-8');
    } catch (error) {
      end(response, 500, `${error instanceof Error ? error.message : String(error)}\n`);
    }
  }

  /** @returns `undefined` if prom-client is not installed */
  async #collect(): Promise<(() => Promise<string>) | undefined> {
    const library = await import('prom-client').catch(() => undefined);
    if (!library) return undefined;
    const registry = new library.Registry();
    registerFamilies(registry, async () => ({
      now: Date.now(),
      queues: await Promise.all([...this.worker.queues].map(readingOf)),
    }));
    return () => registry.metrics();
  }
}

function report(response: ServerResponse, isWell: boolean, health: RunnerHealth | undefined): void {
  end(response, isWell ? 200 : 503, `${JSON.stringify(health ?? { status: 'starting' })}\n`, 'application/json');
}

function end(response: ServerResponse, status: number, text: string, type = 'text/plain; charset=utf-8'): void {
  response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' }).end(text);
}
