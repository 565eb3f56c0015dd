import { IncompatibleWorkersError } from '../core/errors.js';
import type { Connection, Patience } from './connection.js';
import type { Keys } from './keys.js';
import { claimsLayout } from './layouts.js';
import { Reader } from './reader.js';
import { beatCall, claimKeys, leaveCall, registrationKeys, type ScriptCall } from './script-calls.js';
import type { Take } from './take.js';
import type { Counted, QueueHints, RecoverReply, WorkerCommand } from './transitions.js';

/** How long a crash stays uncounted: longer than a message waits for its next two crashes. */
const uncountedMemoryMs = 86_400_000;
/** How long Redis knows that a process held a quarantined message: longer than recovery of its workers takes. */
const quarantineMemoryMs = 86_400_000;

/** After this many crashes, a message is buried without another attempt. One crash earlier, it is quarantined. */
export const mostCrashes = 3;

/** One call of recover gives no further take back after so many messages or bytes. A call then blocks Redis for a few ms. */
const mostRecovered = { messages: 500, bytes: 524_288 };

/** The workers of one queue in Redis. It has a method for each transition of a worker. Each transition is safe to send twice. */
export class Registration {
  readonly reader: Reader;

  constructor(
    readonly connection: Connection,
    readonly keys: Keys,
    /** Ms for which a worker keeps its claims without a heartbeat. */
    readonly leaseMs = 30_000,
  ) {
    this.reader = new Reader(connection, keys);
  }

  /**
   * join: registers a worker.
   *
   * @param worker an id that no worker has used before
   * @returns the time of the queue before it joined, Unix ms
   * @throws IncompatibleWorkersError if workers of another version of this library are registered
   */
  async join(worker: string, process: string, patience: Patience, report = ''): Promise<number> {
    const { workers, registry, heartbeats, meta, earlier, left } = this.keys;
    for (;;) {
      const askedAt = await this.reader.now(patience);
      const args = [worker, askedAt, this.leaseMs, report, process, claimsLayout];
      const [status, other] = (await this.connection.script(
        'join',
        [workers, registry, heartbeats, meta, earlier.registry, left],
        args,
        patience,
      )) as [number, string?];
      if (status === 1 || status === -2) return askedAt; // -2: it has left already, and its next take finds that out
      if (status === -1) throw new IncompatibleWorkersError(this.keys.base, claimsLayout, other!);
    }
  }

  /**
   * beat: renews the lease of a worker and stores its heartbeat report. Takes that the worker does not know go back to the
   * queue.
   *
   * @param takes the takes that the worker holds
   * @param counted what it has counted since it joined: what is more than at the last heartbeat is added to the metrics
   */
  async beat(
    worker: string,
    number: number,
    takes: readonly Pick<Take, 'acknowledgements'>[],
    patience: Patience,
    report = '',
    counted?: Counted,
  ): Promise<(QueueHints & { readonly command: WorkerCommand | '' }) | 'lost'> {
    const call = beatCall(this.keys, this.leaseMs, worker, number, takes, report, counted);
    const reply = await this.run(call, patience);
    const [status, endsInMs, first, isWatched, command] = reply as [number, number, string, number, WorkerCommand | ''];
    return status < 0 ? 'lost' : { lease: { worker: first, endsInMs }, isWatched: isWatched === 1, command };
  }

  /**
   * leave: returns all active messages of a worker to the queue and unregisters it. Its last report is added to the totals of
   * the queue.
   */
  async leave(worker: string, patience?: Patience, report = '', counted?: Counted): Promise<void> {
    await this.run(leaveCall(this.keys, this.leaseMs, worker, report, counted), patience);
  }

  /**
   * recover: returns the active messages of a worker with an ended lease to the queue, and counts the crash. A message with
   * too many crashes is buried. If the process of the worker held a quarantined message, only that message is blamed.
   *
   * @returns how many messages went where, or in how many ms the lease ends if it still runs
   */
  async recover(
    worker: string,
    wire: 'hotqueue' | 'plain',
    patience: Patience,
  ): Promise<RecoverReply | { readonly endsInMs: number }> {
    const { dead, deadMessages, uncounted } = this.keys;
    const metrics = this.keys.metrics(await this.reader.now(patience));
    const registration = registrationKeys(this.keys);
    const keys = [...claimKeys(this.keys, worker), ...registration, dead, deadMessages, uncounted, ...metrics];
    const isSpared = await this.reader.isQuarantinedElsewhere(worker, patience);
    const bounds = [mostRecovered.messages, mostRecovered.bytes];
    const args = [worker, this.leaseMs, mostCrashes, wire === 'plain' ? 'a' : 'b', isSpared ? 1 : 0, ...bounds];
    const sum = { waiting: 0, quarantined: 0, buried: 0 };
    for (;;) {
      type Reply = [number, number, number, number];
      const reply = (await this.connection.script('recover', keys, args, patience)) as Reply;
      const [waiting, quarantined, buried, areLeft] = reply;
      if (waiting < 0) return { endsInMs: quarantined };
      sum.waiting += waiting;
      sum.quarantined += quarantined;
      sum.buried += buried;
      if (areLeft !== 1) return sum;
    }
  }

  /**
   * uncount-crash: takes a crash of a message back. The lease of its worker had ended, and then its handler ended well, so nothing had died.
   * If the message was buried for this crash, it is deleted, as its work is done.
   *
   * @param claim number of the take and index of the message
   */
  async uncountCrash(id: string, worker: string, claim: string, patience: Patience): Promise<void> {
    const { dead, deadMessages, uncounted } = this.keys;
    const args = [id, worker, claim, uncountedMemoryMs];
    await this.connection.script('uncount-crash', [dead, deadMessages, uncounted], args, patience);
  }

  /**
   * Records that this process holds a quarantined message. If the process dies, recovery then blames no message of another
   * queue.
   */
  async noteQuarantined(process: string, worker: string): Promise<void> {
    const key = this.keys.quarantineOf(process);
    await this.connection.call(
      async (client) => {
        await client.hset(key, worker, 1);
        await client.pexpire(key, quarantineMemoryMs);
      },
      { withinMs: 0 },
    );
  }

  async forgetQuarantined(process: string, worker: string): Promise<void> {
    await this.connection.call((client) => client.hdel(this.keys.quarantineOf(process), worker), { withinMs: 0 });
  }

  /** Makes workers send a report each second, for `forMs`. */
  async watch(forMs: number, patience: Patience): Promise<void> {
    const until = (await this.reader.now(patience)) + forMs;
    await this.connection.call((client) => client.hset(this.keys.meta, 'watched', until), patience);
  }

  /** Stores a command for a worker. The worker receives it with its next heartbeat. */
  async command(worker: string, command: WorkerCommand, patience: Patience): Promise<void> {
    await this.connection.call((client) => client.hset(this.keys.commands, worker, command), patience);
  }

  protected run({ name, keys, args }: ScriptCall, patience?: Patience): Promise<unknown> {
    return this.connection.script(name, keys, args, patience);
  }
}
