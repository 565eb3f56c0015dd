/** A server of pages for the example: page n has n words, and the last one does not exist. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export async function localPages(count: number): Promise<{ urls: string[]; close: () => void }> {
  const server = createServer((request, response) => {
    const page = Number(request.url!.slice(1));
    response.statusCode = page < count ? 200 : 404;
    response.end(Array.from({ length: page }, (_, index) => `word${index}`).join(' '));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const urls = Array.from({ length: count }, (_, index) => `http://127.0.0.1:${port}/${index + 1}`);
  return { urls, close: () => void server.close() };
}
