import { connect } from 'node:net';

/** Address of a socket to connect to. */
export type Door = { readonly path: string } | { readonly host: string; readonly port: number };

/**
 * Result of a ping: a server that is `ready`, is `loading` its data, or requires a password (`locked`). `silent` accepts
 * the connection but does not reply in time. `stranger` is not a Redis server. `closed` accepts no connection.
 */
export type Answer = 'ready' | 'loading' | 'locked' | 'silent' | 'stranger' | 'closed';

/** Sends `PING` to a server and classifies its reply. Uses a plain socket: a whole client costs ten times as much. Never throws. */
export function ping(door: Door, timeoutMs: number): Promise<Answer> {
  return new Promise((resolve) => {
    const socket = connect(door);
    let reply = '';
    let isOpen = false;
    const settle = (answer: Answer): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answer);
    };
    const timer = setTimeout(() => settle(isOpen ? 'silent' : 'closed'), timeoutMs);
    socket.on('connect', () => {
      isOpen = true;
      socket.write('PING\r\n');
    });
    socket.on('data', (chunk) => {
      reply += chunk.toString('latin1');
      if (reply.includes('\n')) settle(meaning(reply));
    });
    // EAGAIN means that the server's queue of connections is full. It must not count as closed, or a second server is started.
    socket.on('error', (error) => settle('code' in error && error.code === 'EAGAIN' ? 'silent' : 'closed'));
    socket.on('close', () => settle(isOpen ? 'stranger' : 'closed'));
  });
}

function meaning(line: string): Answer {
  if (line.startsWith('+PONG')) return 'ready';
  if (line.startsWith('-LOADING')) return 'loading';
  return line.startsWith('-NOAUTH') ? 'locked' : 'stranger';
}
