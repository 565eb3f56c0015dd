import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';
import type { QueueContext } from '../redis/queue-context.js';
import { beatCall, giveBackCall, posted, type PostedCall } from '../redis/script-calls.js';
import type { Take } from '../redis/take.js';
import { BeginGate } from './begin-gate.js';
import type { Claim } from './claim.js';
import { leaseThread, type ThreadData, type ThreadRequest, type ThreadServer } from './lease-thread.js';

/** The worker of a kept lease, as the keeper sees it. */
export interface LeaseHolder {
  readonly context: QueueContext;
  /** Such as `Studio.resize`. */
  readonly name: string;
  /** When its last handler began, monotonic ms; 0 before the first. */
  readonly beganAt: number;
  /** Whether a handler runs now. */
  readonly isRunning: boolean;
  /** Id of the registered worker. */
  readonly worker: string | undefined;
  readonly nextTakeNumber: number;
  readonly held: readonly Claim[];
  readonly takes: readonly Take[];
}

/** How long the lease of a worker is renewed while a handler blocks the event loop. After that, another worker gets its messages. */
export const defaultMaxBlockedMs = 600_000;
/** The pulse beats so often, and at least nine times per lease. */
const pulseMs = 500;
/** How long the exit of the process waits for the thread. */
const exitPatienceMs = 1_000;

const pulses = new Int32Array(new SharedArrayBuffer(4));
const kept = new Set<KeptLease>();
/** Of all workers of this process that have had a message. */
export const keptLeases: ReadonlySet<KeptLease> = kept;
let thread: Worker | undefined;
/** Why there is no thread, and none is started again. */
let failure: unknown;
let pulsedAt = 0;
let pulsing: NodeJS.Timeout | undefined;
let lastId = 0;
const servers = new WeakMap<object, ThreadServer>();

/**
 * A lease that a thread of this process renews while a handler blocks the event loop. The thread also gives back the messages of
 * its worker that have not begun.
 *
 * All leases of a process share one thread. It starts with the first message, connects to Redis only when the event loop stands
 * still, and keeps the process alive no longer.
 */
export class KeptLease {
  readonly #id = ++lastId;
  readonly #renewedAt = new BigInt64Array(new SharedArrayBuffer(8));
  readonly server: ThreadServer | undefined;
  /** Each message of the worker passes it before it begins. */
  readonly gate = new BeginGate();

  /** @param maxBlockedMs how long the thread renews it while the event loop stands still */
  constructor(
    readonly holder: LeaseHolder,
    worker: string,
    maxBlockedMs: number,
  ) {
    const { broker, logger, name: queue } = holder.context;
    const { keys, leaseMs, history } = broker;
    this.server = serverOf(broker.connection);
    if (this.server) {
      const renew = posted(history.prepared(beatCall(keys, leaseMs, worker)));
      const giveBack = posted(history.prepared(giveBackCall(keys, worker)));
      const [renewedAt, gate] = [this.#renewedAt.buffer, this.gate.buffer];
      const { server } = this;
      post({
        kind: 'keep',
        lease: { id: this.#id, server, leaseMs, maxBlockedMs, renew, giveBack, renewedAt, gate },
      });
    }
    if (!this.server || !thread) {
      const err = this.server
        ? failure
        : new Error('an option of the connection is a function, which a thread cannot get');
      const sentence = `${holder.name}: no thread renews the lease while a handler blocks the event loop`;
      logger.debug({ queue, worker, err }, sentence);
    }
    pulsedAt = performance.now();
    kept.add(this);
    pulseOften();
  }

  /** When the last renewal by the thread that Redis confirmed was sent, monotonic ms. */
  get renewedAt(): number {
    const sentAt = Atomics.load(this.#renewedAt, 0);
    if (sentAt === 0n) return -Infinity;
    return performance.now() - Number(process.hrtime.bigint() - sentAt) / 1e6;
  }

  end(): void {
    if (!kept.delete(this)) return;
    pulseOften();
    if (this.server) post({ kind: 'drop', id: this.#id });
  }
}

/** Shows the thread that the event loop runs, and warns if it stood still. */
export function pulse(): void {
  const now = performance.now();
  Atomics.add(pulses, 0, 1);
  warnIfBlocked(pulsedAt, now);
  pulsedAt = now;
}

function pulseOften(): void {
  clearInterval(pulsing);
  const shortestMs = Math.min(...[...kept].map(({ holder }) => holder.context.broker.leaseMs));
  if (kept.size > 0) pulsing = setInterval(pulse, Math.min(shortestMs / 9, pulseMs)).unref();
}

/** The process ends: lets the thread send calls, and waits for it, for at most a second. The event loop of the process has ended. */
export function sendAtExit(calls: readonly (PostedCall & { readonly server: ThreadServer })[]): void {
  if (!thread || calls.length === 0) return;
  const done = new Int32Array(new SharedArrayBuffer(4));
  post({ kind: 'exit', calls, done: done.buffer });
  Atomics.wait(done, 0, 0, exitPatienceMs);
}

/** The handlers that may have blocked the event loop: those that run, and those that began since. One warning for all of them. */
function warnIfBlocked(since: number, now: number): void {
  const blockers = [...kept].filter(({ holder: { context, beganAt, isRunning } }) => {
    const isSuspect = isRunning || beganAt >= since;
    return isSuspect && now - Math.max(since, beganAt) > context.broker.leaseMs / 3;
  });
  const [first] = blockers;
  if (!first) return;
  const { context } = first.holder;
  const blockedMs = Math.round(now - Math.max(since, ...blockers.map(({ holder }) => holder.beganAt)));
  const names = blockers.map(({ holder }) => holder.name).join(' or ');
  const kind =
    first.renewedAt >= since ? 'A thread renewed its lease meanwhile' : 'Its lease was not renewed meanwhile';
  context.logger.warn(
    { queue: context.name, handler: names, blockedMs },
    `${names} blocked the event loop for ${(blockedMs / 1_000).toFixed(1)} s. ${kind}. Let other work in between with \`await setImmediate()\`, or compute in a worker thread`,
  );
}

function serverOf(connection: QueueContext['broker']['connection']): ThreadServer | undefined {
  const known = servers.get(connection);
  if (known) return known;
  const address = connection.portableAddress;
  if (!address) return undefined;
  const server = { id: ++lastId, address };
  servers.set(connection, server);
  return server;
}

function post(request: ThreadRequest): void {
  if (failure === undefined) thread ??= startThread();
  thread?.postMessage(request);
}

function startThread(): Worker | undefined {
  try {
    const ioredis = createRequire(import.meta.url).resolve('ioredis');
    const workerData: ThreadData = { pulse: pulses.buffer, ioredis };
    // Some compilers call a function `__name` for each function that they compile.
    const code = `const __name = (fn) => fn;\n(${leaseThread.toString()})(require)`;
    const started = new Worker(code, { eval: true, workerData, execArgv: [], env: {}, name: 'hotqueue leases' });
    started.on('error', fail).unref();
    return started;
  } catch (error) {
    fail(error);
    return undefined;
  }
}

/** Without the thread, a handler that blocks the event loop for a lease loses its message, as before. */
function fail(error: unknown): void {
  failure = error;
  thread = undefined;
  const context = [...kept][0]?.holder.context;
  const sentence =
    'the thread that renews leases has failed: a handler that blocks the event loop for a lease loses its message';
  context?.logger.debug({ queue: context.name, err: error }, sentence);
}
