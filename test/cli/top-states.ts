import type { WorkerInfo } from 'hotqueue';
import { frame } from '../../src/cli/top/frame.js';
import type { Paint } from '../../src/cli/top/line.js';
import type { StoredMessage, TopQueue } from '../../src/cli/top/snapshot.js';
import { stateOf, type State } from '../../src/cli/top/state.js';

export const now = Date.UTC(2026, 8, 1, 12);

export const plain: Paint = (_style, text) => text;

export const aNext = (more: Partial<StoredMessage> = {}): StoredMessage => ({
  id: '01990000-0000-7000-8000-000000000001',
  putAt: now - 42_000,
  attempts: 0,
  text: '{"to":"ada@example.com"}',
  ...more,
});
export const aQueue = (more: Partial<TopQueue> = {}): TopQueue => ({
  name: 'emails',
  waiting: 0,
  active: 0,
  delayed: 0,
  dead: 0,
  done: 0,
  failed: 0,
  isPaused: false,
  oldestAt: undefined,
  workers: [],
  nextSchedule: undefined,
  rates: undefined,
  next: [],
  ...more,
});
export const aWorker = (more: Partial<WorkerInfo> = {}): WorkerInfo => ({
  id: 'worker-1',
  queue: 'emails',
  name: 'Postman.send',
  kind: 'handler',
  host: 'box',
  pid: 4711,
  memoryBytes: 80_000_000,
  process: '',
  startedAt: now - 60_000,
  concurrency: 4,
  status: 'working',
  done: 120,
  failed: 0,
  active: 0,
  activeMessages: [],
  leaseUntil: now + 30_000,
  ...more,
});
export const aState = (...queues: readonly TopQueue[]): State => stateOf({ at: now, queues });

export const drawn = (state: State, columns = 80, rows = 24): string[] => frame(state, now, { columns, rows }, plain);

export const busy = aState(
  aQueue({
    waiting: 1_204,
    active: 2,
    delayed: 12,
    dead: 3,
    done: 10_233,
    failed: 12,
    oldestAt: now - 42_000,
    rates: { done: 120.4, failed: 0.2 },
    next: [aNext(), aNext({ id: '', putAt: null, text: '"bare"' }), aNext({ attempts: 2 })],
    workers: [
      aWorker({
        active: 2,
        activeMessages: [
          { id: 'job-1', attempt: 1, since: now - 3_000 },
          { id: 'job-2', attempt: 2, since: now - 65_000 },
        ],
      }),
      aWorker({ id: 'worker-2', name: 'Postman.bulk', process: 'night', status: 'quiet', failed: 7 }),
    ],
  }),
  aQueue({ name: 'images', waiting: 301, isPaused: true }),
);
