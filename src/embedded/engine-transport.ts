import { once } from 'node:events';
import type { Socket } from 'node:net';
import type { ConnectionTransport, ConnectionTransportListener, ParkHandler } from 'js-redis-server/core';

/**
 * A socket that is read even while a command blocks. If the client disconnects, its earlier commands still run, as in Redis,
 * but none of them blocks any longer.
 */
export class AlwaysReading implements ConnectionTransport {
  readonly id = '';
  private readonly closing = new AbortController();
  private readonly leaving = new AbortController();
  private readonly inbox: Buffer[] = [];
  private wake: () => void = () => {};
  readonly signal: AbortSignal = this.closing.signal;

  constructor(private readonly socket: Socket) {
    const leave = (): void => {
      this.leaving.abort();
      this.wake();
    };
    socket.on('data', (chunk) => {
      this.inbox.push(chunk);
      this.wake();
    });
    socket.on('end', leave).on('close', leave).on('error', leave);
  }

  async *read(): AsyncGenerator<Buffer> {
    while (!this.signal.aborted) {
      const chunk = this.inbox.shift();
      if (chunk !== undefined) yield chunk;
      else if (this.leaving.signal.aborted) return this.close();
      else await new Promise<void>((resolve) => (this.wake = resolve));
    }
  }

  /** Waits for a blocking command: until its key has a value, its timeout ends, or its client disconnects. */
  readonly park: ParkHandler = async ({ waitFor, timeoutMs, signal }) => {
    const over = AbortSignal.any([signal, this.leaving.signal]);
    let timer: NodeJS.Timeout | undefined;
    let end: () => void = () => {};
    const nothing = new Promise<null>((resolve) => {
      end = () => resolve(null);
      if (over.aborted) end();
      over.addEventListener('abort', end, { once: true });
      if (timeoutMs !== undefined) timer = setTimeout(end, timeoutMs);
    });
    try {
      return await Promise.race([nothing, waitFor]);
    } finally {
      clearTimeout(timer);
      over.removeEventListener('abort', end);
    }
  };

  /**
   * Resolves when the socket accepts more data. Only then does the engine run the next command of this client, so a slow client
   * delays no other.
   */
  async write(chunk: Buffer): Promise<void> {
    if (!this.socket.writable) return;
    if (!this.socket.write(chunk))
      await Promise.race([once(this.socket, 'drain'), once(this.socket, 'close')]).catch(() => {});
  }

  close(): void {
    if (this.signal.aborted) return;
    this.closing.abort();
    this.wake();
    this.socket.end();
  }

  on(event: 'close' | 'drain' | 'error', listener: ConnectionTransportListener): () => void {
    this.socket.on(event, listener);
    return () => void this.socket.off(event, listener);
  }
}
