import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { ClientSession, createRedisCommandExecutor, RedisServerState, Resp2SessionAdapter } from 'js-redis-server/core';
import { asOurs, brpoplpush } from './engine-commands.js';
import { AlwaysReading } from './engine-transport.js';

/** A JavaScript engine that accepts connections. */
export interface Engine {
  /** Resolves after a client has sent `SHUTDOWN`, or {@link stop} was called. */
  readonly stopped: Promise<void>;
  readonly stop: () => void;
}

/** Number of databases, the same as in Redis, so that `{ db: 1 }` works here too. */
const databases = 16;

/**
 * Serves the JavaScript engine on a unix socket (a named pipe on Windows) that only this user may open.
 *
 * It replaces the engine's own listener, which listens on all network interfaces. That listener also does not read its socket
 * while a command blocks. So it does not notice that a client has disconnected, sends the next message to it, and loses it.
 */
export async function listen(path: string): Promise<Engine> {
  let stop: () => void = () => {};
  const stopped = new Promise<void>((resolve) => (stop = resolve));
  const state = new RedisServerState({ databaseCount: databases });
  const executor = createRedisCommandExecutor({ extraCommands: [brpoplpush], policies: [asOurs(() => stop())] });
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    serve(socket, state, executor);
  });
  const before = process.umask(0o177);
  try {
    if (process.platform !== 'win32') rmSync(path, { force: true });
    server.listen(path);
    await once(server, 'listening');
  } finally {
    process.umask(before);
  }
  void stopped.then(() => {
    server.close();
    state.close();
    sockets.forEach((socket) => socket.destroy());
  });
  return { stopped, stop };
}

function serve(
  socket: Socket,
  server: RedisServerState,
  executor: ReturnType<typeof createRedisCommandExecutor>,
): void {
  const transport = new AlwaysReading(socket);
  const session = new ClientSession({
    server,
    executor,
    park: transport.park,
    closeConnection: () => transport.close(),
  });
  const logger = { error: (error: unknown) => void process.stderr.write(`${String(error)}\n`) };
  void new Resp2SessionAdapter({ transport, session, logger }).run().finally(() => transport.close());
}
