import { z } from 'zod';

// The answers of the dashboard, each field by its name: an unknown or a missing one fails a test.
const shown = z.strictObject({ text: z.string(), size: z.number(), isCut: z.boolean(), hidden: z.string().nullable() });
const rates = z.strictObject({ done: z.number(), failed: z.number() });
const redis = z.strictObject({
  isUp: z.boolean(),
  downSince: z.number().nullable(),
  error: z.string().nullable(),
});
const row = z.strictObject({
  name: z.string(),
  waiting: z.number(),
  active: z.number(),
  delayed: z.number(),
  dead: z.number(),
  done: z.number(),
  failed: z.number(),
  isPaused: z.boolean(),
  oldestAt: z.number().nullable(),
  workers: z.number(),
  rates: rates.nullable(),
  spark: z.array(z.number()),
  problems: z.array(z.strictObject({ level: z.enum(['problem', 'warning']), says: z.string() })),
  nextSchedule: z.strictObject({ name: z.string(), dueAt: z.number() }).nullable(),
});
const worker = z.strictObject({
  id: z.string(),
  queue: z.string(),
  name: z.string(),
  kind: z.enum(['handler', 'consumer']),
  host: z.string(),
  pid: z.number(),
  process: z.string(),
  startedAt: z.number(),
  memoryBytes: z.number(),
  concurrency: z.number(),
  status: z.enum(['working', 'quiet', 'stopping']),
  done: z.number(),
  failed: z.number(),
  active: z.number(),
  activeMessages: z.array(z.strictObject({ id: z.string(), attempt: z.number(), since: z.number() })),
  leaseUntil: z.number(),
});
const sample = z.strictObject({
  at: z.number(),
  waiting: z.number(),
  active: z.number(),
  done: z.number().nullable(),
  failed: z.number().nullable(),
});
const spread = z.strictObject({
  count: z.number(),
  p50Ms: z.number().nullable(),
  p95Ms: z.number().nullable(),
  p99Ms: z.number().nullable(),
});
const error: z.ZodType = z.lazy(() =>
  z.strictObject({
    name: z.string(),
    message: z.string(),
    code: z.string().nullable(),
    stack: z.string().nullable(),
    violations: z.array(z.strictObject({ path: z.string(), message: z.string() })),
    cause: error.nullable(),
    errors: z.array(error),
  }),
);

/** The schema of each kind of answer. */
export const schema = {
  info: z.strictObject({ version: z.string(), isReadOnly: z.boolean(), prefix: z.string(), redis }),
  overview: z.strictObject({ at: z.number(), redis, queues: z.array(row) }),
  workers: z.array(worker),
  update: z.strictObject({
    at: z.number(),
    redis,
    queues: z.array(row),
    gone: z.array(z.string()),
    queue: z.strictObject({ name: z.string(), workers: z.array(worker), samples: z.array(sample) }).nullable(),
  }),
  queue: z.strictObject({
    row,
    workers: z.array(worker),
    samples: z.array(sample),
    jobs: z.record(z.string(), z.number()),
  }),
  page: z.strictObject({
    messages: z.array(
      z.strictObject({
        id: z.string(),
        at: z.number().nullable(),
        attempts: z.number(),
        payload: shown.nullable(),
        error: z.string().nullable(),
        worker: z.string().nullable(),
      }),
    ),
    next: z.string().nullable(),
    atMeans: z.enum(['put', 'due', 'buried', 'started', 'ended']),
    searched: z.number().nullable(),
  }),
  job: z.strictObject({
    id: z.string(),
    queue: z.string(),
    status: z.string(),
    isTracked: z.boolean(),
    position: z.number().nullable(),
    putAt: z.number().nullable(),
    dueAt: z.number().nullable(),
    startedAt: z.number().nullable(),
    endedAt: z.number().nullable(),
    expiresAt: z.number().nullable(),
    attempts: z.number(),
    worker: z.string().nullable(),
    putBy: z.string().nullable(),
    unique: z.string().nullable(),
    payload: shown.nullable(),
    result: shown.nullable(),
    progress: shown.nullable(),
    log: z.array(z.string()),
    lines: z.number(),
    failures: z.array(z.strictObject({ attempt: z.number().nullable(), at: z.number().nullable(), error })),
    dead: z.strictObject({ key: z.string(), reason: z.string(), buriedAt: z.number() }).nullable(),
    actions: z.array(z.enum(['cancel', 'promote', 'move', 'revive', 'drop'])),
  }),
  metrics: z.strictObject({
    points: z.array(
      z.strictObject({ at: z.number(), done: z.number(), failed: z.number(), run: spread, wait: spread }),
    ),
    total: z.strictObject({
      handled: z.number(),
      failed: z.number(),
      retried: z.number(),
      dead: z.number(),
      expired: z.number(),
      lost: z.number(),
      run: spread,
      wait: spread,
    }),
  }),
  groups: z.strictObject({
    total: z.number(),
    read: z.number(),
    groups: z.array(
      z.strictObject({
        reason: z.string(),
        error: z.string().nullable(),
        message: z.string().nullable(),
        count: z.number(),
        newestAt: z.number(),
        oldestAt: z.number(),
        keys: z.array(z.string()),
      }),
    ),
  }),
  schedules: z.array(
    z.strictObject({
      queue: z.string(),
      name: z.string(),
      when: z.string(),
      isPaused: z.boolean(),
      next: z.array(z.number()),
      runs: z.number(),
      worker: z.string().nullable(),
      payload: shown.nullable(),
      history: z.array(
        z.strictObject({ id: z.string(), dueAt: z.number(), status: z.string(), isManual: z.boolean() }),
      ),
    }),
  ),
  flow: z.strictObject({
    nodes: z.array(
      z.strictObject({ id: z.string(), queue: z.string(), status: z.string(), after: z.array(z.string()) }),
    ),
  }),
  redis: z.strictObject({
    facts: z.array(z.strictObject({ name: z.string(), value: z.string() })),
    findings: z.array(
      z.strictObject({
        check: z.string(),
        status: z.enum(['ok', 'warning', 'problem']),
        says: z.string(),
        fix: z.string().nullable(),
      }),
    ),
    readAt: z.number(),
  }),
  form: z.strictObject({
    from: z.enum(['class', 'message']).nullable(),
    name: z.string().nullable(),
    schema: z.record(z.string(), z.unknown()).nullable(),
  }),
  done: z.strictObject({ count: z.number(), id: z.string().nullable() }),
  refusal: z.strictObject({
    error: z.strictObject({
      code: z.string(),
      message: z.string(),
      violations: z.array(z.strictObject({ path: z.string(), message: z.string() })),
    }),
  }),
};
