import { once } from 'node:events';
import { connect, createServer } from 'node:net';

/**
 * A port that is `delayMs` further away: requests pass at once, replies wait. Order is kept, and what arrives while others
 * wait waits as long as they do, so nothing is slowed down beyond the delay.
 *
 * @returns {Promise<number>} the port
 */
export async function startProxy({ host, port }, delayMs) {
  const server = createServer({ noDelay: true, allowHalfOpen: true }, (near) => {
    const far = connect({ host, port, noDelay: true, allowHalfOpen: true });
    near.pipe(far);
    const reply = later(delayMs, (chunk) => (chunk ? near.write(chunk) : near.end()));
    far.on('data', reply).on('end', () => reply(null)); // Its last reply before its end, as it was sent.
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
