import { RedisFullError, RedisRefusedError, RedisUnreachableError, HotQueueError } from '../core/errors.js';

/**
 * What a failed command means.
 *
 * - `permanent`: the same command fails until a person changes something: a password, a permission, a key of another type.
 * - `full`: the server is out of memory. It has stored nothing.
 * - `refused`: the server is in a state that passes by itself. It has done nothing.
 * - `unanswered`: the connection broke, or there was none.
 */
export type FailureKind = 'permanent' | 'full' | 'refused' | 'unanswered';

/** Replies after which waiting is useless. Everything else passes: a new version of Redis may have states that we do not know. */
const permanentReplies: ReadonlySet<string> = new Set([
  'ERR',
  'NOAUTH',
  'WRONGPASS',
  'NOPERM',
  'DENIED',
  'NOPROTO',
  'WRONGTYPE',
  'CROSSSLOT',
  'MOVED',
  'ASK',
  'EXECABORT',
]);

/** `ERR` is also what Redis replies when it has too many clients, and what proxies reply while their server is away. */
const passingErrors =
  /max number of clients|shutting down|upstream|backend|server closed|connection (lost|refused|timed out)/i;

/** What to do about a reply, beside waiting. */
const wayOuts: Readonly<Record<string, string>> = {
  MISCONF: 'it cannot write its data to disk. Free disk space, and read its log',
  BUSY: 'another program runs a long script there. Wait, or end it with SCRIPT KILL',
  LOADING: 'it loads its data after a start. Wait',
  READONLY: 'it is a replica, and a replica accepts no writes. Use the address of the master',
  MASTERDOWN: 'it is a replica without its master. Use the address of the master',
  NOREPLICAS: 'it accepts writes only with enough replicas. Start them, or lower min-replicas-to-write',
  CLUSTERDOWN: 'a part of the cluster has no master. Check the nodes with CLUSTER INFO',
  TRYAGAIN: 'the cluster moves the keys of this queue. Wait',
  MOVED: 'it is a node of a cluster. Pass { connection: new Cluster(…) }',
  NOAUTH: 'the server requires a password. Add it to the url: redis://:password@host',
  WRONGPASS: 'the server rejects the user name or password. Correct them',
  NOPERM: 'the user lacks a permission. Grant it with ACL SETUSER; docs/production.md lists what hotqueue needs',
  DENIED: 'protected mode refuses this address. Set a password in the server',
  WRONGTYPE: 'another program has a key of this name. Use another queue name or prefix',
};

/** The first word of an error reply, such as `MISCONF`; `undefined` if the error is no reply of the server. */
export function replyCodeOf(error: unknown): string | undefined {
  const reply = replyOf(error);
  if (reply === undefined) return undefined;
  // Redis 6.2 puts the reply of a command inside a script behind the place in the script.
  const inScript = /@user_script: ?\d+: -?([A-Z]+) [^@]*$/.exec(reply)?.[1];
  return inScript ?? /^-?([A-Z]+)\b/.exec(reply)?.[1] ?? 'ERR';
}

function replyOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if (error.name === 'ReplyError') return error.message;
  return replyOf((error as { lastNodeError?: unknown }).lastNodeError); // of a cluster none of whose nodes helped
}

export function failureKindOf(error: unknown): FailureKind {
  const code = replyCodeOf(error);
  if (code === undefined) return 'unanswered';
  if (code === 'OOM') return 'full';
  if (code === 'ERR' && passingErrors.test(replyOf(error) ?? '')) return 'refused';
  return permanentReplies.has(code) ? 'permanent' : 'refused';
}

/** Whether the error is a fault in this program, such as a TypeError, and not one of the connection or the server. */
export function isFault(error: unknown): boolean {
  return (
    !(error instanceof Error) ||
    error instanceof HotQueueError ||
    [TypeError, RangeError, SyntaxError, ReferenceError].some((kind) => error instanceof kind)
  );
}

/**
 * The error of this library for an error of ioredis.
 *
 * @param address without its password
 * @param mayHaveArrived whether an earlier attempt of the same call may have reached the server
 */
export function typedError(error: unknown, address: string, mayHaveArrived: boolean): HotQueueError {
  const cause = withoutSecrets(error);
  const kind = failureKindOf(error);
  if (kind === 'full' && !mayHaveArrived) return new RedisFullError(address, { cause });
  const reply = replyOf(cause);
  if (reply === undefined) {
    const advice = `${wordsOf(cause).replace(/\.$/, '')}. Check that the server runs, then try again`;
    return new RedisUnreachableError(address, advice, { cause, mayHaveArrived });
  }
  const code = replyCodeOf(cause) ?? 'ERR';
  const isDatabase = /DB index|out of range/i.test(reply);
  const advice = isDatabase
    ? 'the server has no such database. Use another database number'
    : (wayOuts[code] ?? (kind === 'permanent' ? 'read the reply' : 'wait, and read the log of the server'));
  return new RedisRefusedError(address, code, reply, advice, {
    cause,
    mayHaveArrived,
    isPermanent: kind === 'permanent',
  });
}

/** The message of an error, with its code if the message does not contain it. */
export function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = 'code' in error ? String(error.code) : '';
  return error.message.includes(code) ? error.message : `${code}: ${error.message}`;
}

/**
 * Removes the command from an error of ioredis: `console.error` would print the password in `HELLO`, and payloads. Redis itself
 * repeats arguments in "unknown command".
 *
 * @returns the same error
 */
export function withoutSecrets(error: unknown): unknown {
  for (let each = error; each instanceof Error;) {
    const { lastNodeError, previousErrors, cause } = each as {
      lastNodeError?: unknown;
      previousErrors?: unknown;
      cause?: unknown;
    };
    for (const field of ['command', 'args', 'previousErrors'])
      delete (each as unknown as Record<string, unknown>)[field];
    if (Array.isArray(previousErrors)) previousErrors.forEach(withoutSecrets);
    const short = each.message.replace(/,? with args beginning with: [^]*$/, '');
    if (short !== each.message) {
      each.stack = String(each.stack).replace(each.message, short);
      each.message = short;
    }
    each = lastNodeError ?? cause;
  }
  return error;
}

/** Whether a call has failed because Redis does not answer, or refuses what it is asked: the next call would fail too. */
export function isAway(error: unknown): error is RedisUnreachableError | RedisRefusedError {
  return error instanceof RedisUnreachableError || error instanceof RedisRefusedError;
}
