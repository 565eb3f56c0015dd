import { connect } from 'node:net';

/** A place to knock at. */
export type Door = { readonly path: string } | { readonly host: string; readonly port: number };

/**
 * Who opens: a ready server, one that still loads its data, one that wants a password; `silent` accepts connections but
 * says nothing in time, `stranger` speaks something else, and behind `closed` there is nobody.
 */
export type Answer = 'ready' | 'loading' | 'locked' | 'silent' | 'stranger' | 'closed';

/** What a server says to `PING`, on a bare socket: a whole client costs ten times as much. Never throws. */
export function ping(door: Door, timeoutMs: number): Promise<Answer> {
  return new Promise((resolve) => {
    const socket = connect(door);
    let heard = '';
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
      heard += chunk.toString('latin1');
      if (heard.includes('\n')) settle(meaning(heard));
    });
    // A full queue of connections is no absence: whoever takes it for one starts a second server.
    socket.on('error', (error) => settle('code' in error && error.code === 'EAGAIN' ? 'silent' : 'closed'));
    socket.on('close', () => settle(isOpen ? 'stranger' : 'closed'));
  });
}

function meaning(line: string): Answer {
  if (line.startsWith('+PONG')) return 'ready';
  if (line.startsWith('-LOADING')) return 'loading';
  return line.startsWith('-NOAUTH') ? 'locked' : 'stranger';
}
