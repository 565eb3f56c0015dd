import { readFile } from 'node:fs/promises';
import type { Socket } from 'node:net';

/** Parts of the handle of a socket that `node:net` uses for its own timeouts. */
interface Handle {
  readonly bytesWritten?: number;
  readonly writeQueueSize?: number;
}

/** What a TCP socket has sent. */
export interface Progress {
  /** Bytes that the other side has acknowledged since the connection began. */
  readonly acknowledged: number;
  /** Bytes that it has not acknowledged yet. */
  readonly unacknowledged: number;
}

/**
 * How far a TCP socket is with what was written to it; `undefined` where the system does not say.
 *
 * A large message is one write. On a slow link, Node hands it to the system as a whole, or learns nothing of it for minutes. Only the
 * system's table of connections shows then that it moves. With TLS the numbers are not exact, but they change only if something moves.
 */
export async function progressOf(socket: Socket): Promise<Progress | undefined> {
  const { _handle: handle, localPort, remotePort } = socket as Socket & { readonly _handle?: Handle | null };
  if (handle?.bytesWritten === undefined || localPort === undefined || remotePort === undefined) return undefined;
  const queued = handle.writeQueueSize ?? 0;
  const written = handle.bytesWritten;
  const ends = [localPort, remotePort].map((port) => `:${port.toString(16).toUpperCase().padStart(4, '0')}`);
  for (const table of ['/proc/self/net/tcp', '/proc/self/net/tcp6']) {
    for (const line of (await readFile(table, 'latin1').catch(() => '')).split('\n')) {
      const [, local, remote, , queues] = line.trim().split(/\s+/);
      if (!local?.endsWith(ends[0]!) || !remote?.endsWith(ends[1]!)) continue;
      const unacknowledged = queued + Number.parseInt(queues!, 16); // "tx:rx", in hexadecimal digits
      return { acknowledged: written - unacknowledged, unacknowledged };
    }
  }
  return undefined;
}
