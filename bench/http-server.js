import { once } from 'node:events';
import { createServer } from 'node:http';

/**
 * Starts an HTTP server that replies to every request at once and keeps connections open.
 *
 * @returns {Promise<number>} the port on 127.0.0.1
 */
export async function startHttpServer() {
  const server = createServer({ keepAliveTimeout: 600_000 }, (_request, response) => response.end('ok')).listen(
    0,
    '127.0.0.1',
  );
  await once(server, 'listening');
  return server.address().port;
}
