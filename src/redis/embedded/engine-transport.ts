import { once } from 'node:events';
import type { Socket } from 'node:net';
import type { ConnectionTransport, ConnectionTransportListener, ParkHandler } from 'js-redis-server/core';

/**
 * A socket that is read even while a command waits. What the client sent before it left is still carried out, as Redis
 * does; but nothing waits for it any longer.
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

  /** How a blocking command waits: for its key, its timeout, or the end of its client. */
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

  /** The engine waits for each write before its next command, so a slow reader slows nobody but itself. */
  async write(chunk: Buffer): Promise<void> {
    if (!this.socket.writable) return;
    if (!this.socket.write(chunk)) await Promise.race([once(this.socket, 'drain'), once(this.socket, 'close')]).catch(() => {});
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
