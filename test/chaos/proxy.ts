import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { scripts, scriptsWithHistory } from '../../src/redis/scripts.js';
import { Splitter, wordsOf } from './resp.js';

/**
 * What happens to a command. `before`: the server never receives it. `after`: the server executes it, and the whole reply is
 * lost. `inside`: the client receives the first `bytes` bytes of the reply. `corrupt`: the byte at offset `bytes` of the reply
 * is changed to one that is not RESP. `late`: the client loses its connection, and the server executes the command `afterMs` later.
 * All faults but `corrupt` end both sockets.
 */
export interface Fault {
  readonly kind: 'before' | 'after' | 'inside' | 'corrupt' | 'late';
  readonly bytes?: number;
  readonly afterMs?: number;
}

/** A command that passes the proxy. `name` is the name of our script for `EVAL` and `EVALSHA`, otherwise the command in lower case. */
export interface Command {
  readonly name: string;
  readonly words: readonly string[];
  /** The complete reply; absent before it has arrived. */
  readonly reply?: Buffer;
}

/** Decides on a fault. Called before a command is forwarded (without `reply`), and again when its complete reply has arrived. */
export type Rule = (command: Command) => Fault | undefined;

/** Script names by hash and by source text: `redis/scripts.ts` sends either. */
const scriptOf = new Map(
  [...Object.entries(scripts), ...Object.entries(scriptsWithHistory())].flatMap(([name, { lua, sha }]) => [
    [sha, name],
    [lua, name],
  ]),
);

/** A proxy between clients and one Redis, on loopback, that injects faults. */
export class FaultProxy {
  rule: Rule | undefined;
  /** Ms by which each chunk is delayed, in both directions. The order is kept. */
  delayMs: (() => number) | undefined;
  /** What happens to new connections: `mute` accepts them and never replies, `reset` refuses them with a RST. */
  greets: 'normal' | 'mute' | 'reset' = 'normal';
  /** Number of faults so far, by kind and command. */
  readonly counts = new Map<string, number>();
  readonly #pairs = new Set<Pair>();
  readonly #late = new Set<NodeJS.Timeout>();
  readonly #server: Server;

  private constructor(
    private readonly target: string,
    private readonly log: (kind: string, fields: object) => void,
  ) {
    this.#server = createServer({ allowHalfOpen: true }, (socket) => this.#accept(socket));
  }

  /** @param target path of the unix socket on which the real server listens */
  static async open(target: string, log: (kind: string, fields: object) => void): Promise<FaultProxy> {
    const proxy = new FaultProxy(target, log);
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get url(): string {
    return `redis://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Number of connections that clients hold open. */
  get connections(): number {
    return [...this.#pairs].filter((pair) => !pair.isGone).length;
  }

  /** Number of faults so far, of one kind or of all. */
  faults(kind?: string): number {
    let sum = 0;
    for (const [name, count] of this.counts) if (kind === undefined || name.startsWith(kind)) sum += count;
    return sum;
  }

  /** From now on, existing connections transfer nothing, and neither end notices. New connections work. */
  blackHole(): void {
    this.#note('blackhole', { connections: this.connections });
    for (const pair of this.#pairs) pair.isMute = true;
  }

  /** Resets every existing connection. */
  reset(): void {
    this.#note('reset', { connections: this.connections });
    for (const pair of this.#pairs) pair.destroy(true);
  }

  /** Sends a command to the server on a connection of its own, `afterMs` from now. */
  sendLate(bytes: Buffer, afterMs: number): void {
    const command = Buffer.from(bytes);
    const timer = setTimeout(() => {
      this.#late.delete(timer);
      const server = connect({ path: this.target }, () => server.write(command));
      server.on('error', () => {}); // the server is down
      server.once('data', () => server.destroy());
    }, afterMs);
    this.#late.add(timer);
  }

  /** Number of commands that have not been sent yet. */
  get late(): number {
    return this.#late.size;
  }

  async close(): Promise<void> {
    for (const timer of this.#late) clearTimeout(timer);
    for (const pair of this.#pairs) pair.destroy(false);
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #note(kind: string, fields: object): void {
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1);
    this.log(kind, fields);
  }

  #accept(client: Socket): void {
    client.on('error', () => {});
    if (this.greets === 'reset') {
      this.#note('refused', {});
      client.resetAndDestroy();
      return;
    }
    const pair = new Pair(client, connect({ path: this.target, allowHalfOpen: true }), this, (kind, fields) =>
      this.#note(kind, fields),
    );
    pair.isMute = this.greets === 'mute';
    if (pair.isMute) this.#note('mute', {});
    this.#pairs.add(pair);
    client.once('close', () => {
      // The server does not notice the end of a half-open connection. Without this, it would keep serving the wait of a
      // client that is gone, for the rest of the test.
      pair.destroy(false);
      this.#pairs.delete(pair);
    });
  }
}

class Pair {
  isMute = false;
  readonly #commands = new Splitter();
  readonly #replies = new Splitter();
  readonly #underWay: Command[] = [];
  readonly #late = new Map<Socket, { readonly bytes: Buffer; readonly at: number }[]>();

  constructor(
    private readonly client: Socket,
    private readonly server: Socket,
    private readonly proxy: FaultProxy,
    private readonly note: (kind: string, fields: object) => void,
  ) {
    client.setNoDelay(true);
    client.on('data', (chunk: Buffer) => !this.isMute && this.#commands.push(chunk).every((one) => this.#forward(one)));
    server.on('data', (chunk: Buffer) => !this.isMute && this.#replies.push(chunk).every((one) => this.#answer(one)));
    client.on('end', () => (this.isMute ? this.destroy(false) : server.end()));
    server.on('end', () => !this.isMute && client.end());
    server.on('error', () => this.destroy(false)); // the server is down
    server.on('close', () => !this.isMute && client.destroy());
  }

  get isGone(): boolean {
    return this.client.destroyed;
  }

  destroy(withReset: boolean): void {
    if (withReset && !this.client.destroyed) this.client.resetAndDestroy();
    else this.client.destroy();
    this.server.destroy();
  }

  #forward(bytes: Buffer): boolean {
    const words = wordsOf(bytes, 4);
    const verb = (words[0] ?? '').toLowerCase();
    const name = verb === 'evalsha' || verb === 'eval' ? (scriptOf.get(words[1]!) ?? verb) : verb;
    const command = { name, words };
    const fault = this.proxy.rule?.(command);
    if (fault?.kind === 'late') this.proxy.sendLate(bytes, fault.afterMs ?? 0);
    if (fault?.kind === 'before' || fault?.kind === 'late') return this.#break(fault.kind, name);
    this.#underWay.push(command);
    this.#send(this.server, bytes);
    return true;
  }

  #answer(bytes: Buffer): boolean {
    if (bytes[0] === 0x3e) return this.#send(this.client, bytes); // a push is not the reply to a command
    const command = { ...(this.#underWay.shift() ?? { name: '?', words: [] }), reply: bytes };
    const fault = this.proxy.rule?.(command);
    if (!fault || fault.kind === 'before' || fault.kind === 'late') return this.#send(this.client, bytes);
    if (fault.kind === 'corrupt') {
      this.note(`corrupt ${command.name}`, { bytes: fault.bytes });
      const changed = Buffer.from(bytes);
      const at = Math.min(fault.bytes ?? 0, changed.length - 1);
      changed[at] = changed[at]! ^ 0x80;
      return this.#send(this.client, changed);
    }
    const kept = fault.kind === 'inside' ? bytes.subarray(0, Math.min(fault.bytes ?? 0, bytes.length - 1)) : undefined;
    return this.#break(fault.kind, command.name, kept);
  }

  #break(kind: string, name: string, kept?: Buffer): false {
    this.note(`${kind} ${name}`, kept ? { bytes: kept.length } : {});
    this.isMute = true;
    this.server.destroy();
    if (kept?.length) this.client.write(kept, () => this.client.destroy());
    else this.client.destroy();
    return false;
  }

  #send(to: Socket, bytes: Buffer): true {
    const lateMs = this.proxy.delayMs?.() ?? 0;
    const late = this.#late.get(to) ?? [];
    if (lateMs === 0 && late.length === 0) {
      to.write(bytes);
      return true;
    }
    this.#late.set(to, late);
    late.push({ bytes: Buffer.from(bytes), at: Math.max(performance.now() + lateMs, late.at(-1)?.at ?? 0) });
    if (late.length === 1) this.#sendLate(to, late);
    return true;
  }

  /** Sends chunks one after the other. With one timer each, chunks would overtake each other. */
  #sendLate(to: Socket, late: { readonly bytes: Buffer; readonly at: number }[]): void {
    setTimeout(
      () => {
        if (!to.destroyed) to.write(late[0]!.bytes);
        late.shift();
        if (late.length > 0) this.#sendLate(to, late);
      },
      Math.max(0, late[0]!.at - performance.now()),
    );
  }
}
