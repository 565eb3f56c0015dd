import { once } from 'node:events';
import { connect, createServer } from 'node:net';

/**
 * Starts a proxy that delays replies by `delayMs` and passes requests at once. It keeps the order. Each chunk is delayed from
 * its own arrival, so the proxy adds no other delay.
 *
 * @returns {Promise<number>} the port
 */
export async function startProxy({ host, port }, delayMs) {
  const server = createServer({ noDelay: true, allowHalfOpen: true }, (near) => {
    const far = connect({ host, port, noDelay: true, allowHalfOpen: true });
    near.pipe(far);
    const reply = later(delayMs, (chunk) => (chunk ? near.write(chunk) : near.end()));
    far.on('data', reply).on('end', () => reply(null)); // the end is delayed too, so that it follows the last reply
    near.on('close', () => far.destroy()).on('error', () => far.destroy());
    far.on('error', () => near.destroy());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server.address().port;
}

function later(delayMs, deliver) {
  const waiting = [];
  const flush = () => {
    const now = performance.now();
    while (waiting.length > 0 && waiting[0].at <= now) deliver(waiting.shift().chunk);
    if (waiting.length > 0) setTimeout(flush, Math.max(1, waiting[0].at - now));
  };
  return (chunk) => {
    waiting.push({ at: performance.now() + delayMs, chunk });
    if (waiting.length === 1) setTimeout(flush, delayMs);
  };
}
