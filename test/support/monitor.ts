import { connect } from 'node:net';
import { createInterface } from 'node:readline';

/** A command that a server carried out. `source` is the client's address, or `lua` for a command that a script called. */
export interface MonitoredCommand {
  readonly source: string;
  readonly args: readonly string[];
}

/**
 * The commands that a server carries out from now on, as MONITOR shows them, until `close()`.
 *
 * ioredis' own `monitor()` takes lines that arrive together with the reply to MONITOR for replies, and throws.
 */
export async function monitored(url: string): Promise<{ readonly commands: MonitoredCommand[]; close(): void }> {
  const { protocol, pathname, hostname, port } = new URL(url);
  const socket = protocol === 'unix:' ? connect(pathname) : connect(Number(port), hostname);
  const commands: MonitoredCommand[] = [];
  await new Promise<void>((resolve, reject) => {
    socket.on('error', reject);
    createInterface({ input: socket }).on('line', (line) => {
      if (line === '+OK') resolve();
      else commands.push(commandIn(line));
    });
    socket.write('MONITOR\r\n');
  });
  return { commands, close: () => socket.destroy() };
}

/** A line is `+<time> [<database> <source>] "<argument>" "<argument>" …`, with quotes and backslashes escaped. */
function commandIn(line: string): MonitoredCommand {
  const [, source, rest] = /^\+[\d.]+ \[\d+ ([^\]]+)\] (.*)$/.exec(line) ?? [];
  if (source === undefined) throw new Error(`MONITOR sent ${line.slice(0, 200)}`);
  return { source, args: Array.from(rest!.matchAll(/"((?:[^"\\]|\\.)*)"/g), ([, text]) => text!) };
}
