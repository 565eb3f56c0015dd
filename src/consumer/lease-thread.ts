import type * as threads from 'node:worker_threads';
import type * as ioredisModule from 'ioredis';
import type { Cluster, Redis } from 'ioredis';
import type { PortableAddress } from '../redis/portable-address.js';
import type { PostedCall } from '../redis/script-calls.js';

/** A server, with a number of its own. */
export interface ThreadServer {
  readonly id: number;
  readonly address: PortableAddress;
}

/** A lease that the thread renews, and whose messages it gives back, while the event loop of the process stands still. */
export interface ThreadLease {
  readonly id: number;
  readonly server: ThreadServer;
  readonly leaseMs: number;
  /** The thread renews it for no longer than this. */
  readonly maxBlockedMs: number;
  readonly renew: PostedCall;
  /** `give-back` without its last three arguments. */
  readonly giveBack: PostedCall;
  /** See `BeginGate`. */
  readonly gate: SharedArrayBuffer;
  /** One BigInt64: when the last renewal that Redis confirmed was sent, in ns of `process.hrtime`; 0 if there was none. */
  readonly renewedAt: SharedArrayBuffer;
}

export type ThreadRequest =
  | { readonly kind: 'keep'; readonly lease: ThreadLease }
  | { readonly kind: 'drop'; readonly id: number }
  /** The process ends: sends these calls, then sets `done` to 1. */
  | {
      readonly kind: 'exit';
      readonly calls: readonly (PostedCall & { readonly server: ThreadServer })[];
      readonly done: SharedArrayBuffer;
    };

export interface ThreadData {
  /** One Int32, which the process increments while its event loop runs. */
  readonly pulse: SharedArrayBuffer;
  /** File of ioredis. It is loaded only when it is needed. */
  readonly ioredis: string;
}

/**
 * The code of the lease thread. While the pulse stands still, it renews the leases of the process, and gives back the messages that
 * have not begun: another process may be idle.
 *
 * The thread runs the text of this function. So it starts in the same way from compiled JavaScript, from TypeScript and from a
 * bundle, without a loader. The function must use nothing from outside itself: no imports, and no other function of this file.
 */
export function leaseThread(require: NodeJS.Require): void {
  const { parentPort, ...from } = require('node:worker_threads') as typeof threads;
  const { pulse, ioredis } = from.workerData as ThreadData;
  const pulses = new Int32Array(pulse);
  const leases = new Map<number, ThreadLease>();
  /** When the thread last tried to renew each lease. */
  const triedAt = new Map<number, number>();
  /** What goes back of each lease: the last three arguments of `give-back`. */
  const ranges = new Map<number, readonly number[]>();
  /** When the thread last tried to give it back. */
  const givenBackAt = new Map<number, number>();
  const clients = new Map<number, Redis | Cluster>();
  let seen = Atomics.load(pulses, 0);
  let movedAt = performance.now();
  let looking: NodeJS.Timeout | undefined;

  function open({ id, address: { nodes, options } }: ThreadServer): Redis | Cluster {
    const library = require(ioredis) as typeof ioredisModule;
    const own = {
      lazyConnect: true,
      retryStrategy: () => null,
      sentinelRetryStrategy: () => null,
      enableReadyCheck: false, // it needs INFO, which may be forbidden
      maxRetriesPerRequest: 0,
      connectTimeout: 5_000,
      commandTimeout: 2_000, // all of its commands are safe to send twice
    };
    const client = nodes
      ? new library.Cluster(nodes as [], {
          ...options,
          lazyConnect: true,
          clusterRetryStrategy: () => null,
          redisOptions: { ...(options as { redisOptions?: object }).redisOptions, ...own },
        })
      : new library.Redis({ ...options, ...own });
    client.on('error', () => undefined); // the command fails with it
    clients.set(id, client);
    return client;
  }

  async function send(server: ThreadServer, { command, args }: PostedCall): Promise<unknown> {
    const client = clients.get(server.id) ?? open(server);
    try {
      // A posted Buffer arrives as a Uint8Array.
      return await client.call(command, ...args.map((arg) => (arg instanceof Uint8Array ? Buffer.from(arg) : arg)));
    } catch (error) {
      if (clients.get(server.id) === client) clients.delete(server.id);
      client.disconnect();
      throw error;
    }
  }

  async function renew(lease: ThreadLease): Promise<void> {
    const sentAt = process.hrtime.bigint();
    const [status] = (await send(lease.server, lease.renew)) as [number];
    if (status < 0)
      leases.delete(lease.id); // the lease was lost
    else Atomics.store(new BigInt64Array(lease.renewedAt), 0, sentAt);
  }

  /** How long the pulse stands still before messages go back. */
  function patienceMs({ leaseMs }: ThreadLease): number {
    return Math.min(2_000, leaseMs / 3);
  }

  /** Closes the gate first: from then on, no message of these takes begins. */
  async function giveBack({ id, server, giveBack: call, gate }: ThreadLease): Promise<void> {
    const cells = new Int32Array(gate);
    const state = Atomics.compareExchange(cells, 0, 0, 2);
    if (state === 0) ranges.set(id, [cells[1]!, cells[2]!, cells[3]!]);
    else if (state !== 2) return; // a message begins at this moment
    await send(server, { command: call.command, args: [...call.args, ...ranges.get(id)!] });
  }

  function look(): void {
    const now = performance.now();
    const current = Atomics.load(pulses, 0);
    if (current !== seen) movedAt = now;
    seen = current;
    const blockedMs = now - movedAt;
    for (const lease of leases.values()) {
      const { id, leaseMs, maxBlockedMs } = lease;
      // Again and again: Redis may be away, and a take that waited with its connection may bring more.
      if (blockedMs >= patienceMs(lease) && now - (givenBackAt.get(id) ?? -Infinity) >= patienceMs(lease)) {
        givenBackAt.set(id, now);
        giveBack(lease).catch(() => undefined);
      }
      // A quarter of a lease is more than two beats of the pulse, and leaves time to connect before the lease ends.
      if (blockedMs < leaseMs / 4 || blockedMs > maxBlockedMs || now - (triedAt.get(id) ?? -Infinity) < leaseMs / 6)
        continue;
      triedAt.set(id, now);
      renew(lease).catch(() => undefined); // Redis is away: it tries again
    }
  }

  /** Looks 18 times per lease, and at least twice a second. */
  function lookOften(): void {
    clearInterval(looking);
    const shortestMs = Math.min(...[...leases.values()].map(({ leaseMs }) => leaseMs));
    if (leases.size > 0) looking = setInterval(look, Math.min(shortestMs / 18, 500));
  }

  parentPort!.on('message', (request: ThreadRequest) => {
    if (request.kind === 'exit') {
      const done = new Int32Array(request.done);
      void Promise.allSettled(request.calls.map((call) => send(call.server, call))).then(() => {
        Atomics.store(done, 0, 1);
        Atomics.notify(done, 0);
      });
      return;
    }
    if (request.kind === 'keep') leases.set(request.lease.id, request.lease);
    else if (leases.delete(request.id)) for (const one of [triedAt, ranges, givenBackAt]) one.delete(request.id);
    lookOften();
  });
}
