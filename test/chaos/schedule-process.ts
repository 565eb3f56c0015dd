/** A worker process whose queue has schedules. Its task is in the environment variable `CHAOS`, as JSON. */
import { HotQueue, run } from '../../src/index.js';
import { History } from './history.js';
import { connect } from './road.js';
import { chaosSchedules, type ScheduleTask } from './schedules.js';

const task = JSON.parse(process.env.CHAOS!) as ScheduleTask;
const history = new History(task.folder, task.proc);
process.on('uncaughtExceptionMonitor', (error) => history.write('uncaught', { text: String(error.stack ?? error) }));
const realNow = Date.now.bind(Date);
Date.now = () => realNow() + task.clockMs;
const { options, close } = connect(task.road);
const queue = new HotQueue(task.queue, { ...options, lease: 2_000, logger: false, backoff: 50 });
queue.events.on('ack', ({ id }) => history.write('acked', { id }));
const worker = queue.worker(
  (_payload, job) => {
    history.write('ran', { id: job.id, due: job.schedule!.dueAt, key: job.schedule!.name, kind: job.id });
  },
  { concurrency: 5, schedules: chaosSchedules },
);
history.write('up', { due: Date.now() });
await run(worker, { shutdownTimeout: 5_000, waitForRedis: true });
await queue.close();
close();
