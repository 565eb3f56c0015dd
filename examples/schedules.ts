/**
 * Schedules beside a worker: a report every night, and a check twice a second. Any number of these processes may run. Ctrl-C ends
 * them.
 *
 *     node --import @oxc-node/core/register examples/schedules.ts
 */
import { IsIn } from 'class-validator';
import { HotQueue, run, worker, type Delivery } from 'hotqueue';

class Task {
  @IsIn(['report', 'check']) kind!: 'report' | 'check';
}

const tasks = new HotQueue('scheduled-tasks', { payload: Task });

class Office {
  @worker(tasks, {
    schedules: {
      nightly: { cron: '0 3 * * *', timeZone: 'Europe/Berlin', payload: { kind: 'report' } },
      pulse: { every: '500ms', payload: { kind: 'check' }, missed: 'skip', overlap: 'skip' },
    },
  })
  async handle({ kind }: Task, job: Delivery<Task>): Promise<void> {
    const { name, dueAt } = job.schedule!;
    console.log(`${kind} for ${name}, ${Date.now() - dueAt < 5_000 ? 'on time' : 'late'}`);
  }
}

await run(new Office()); // until Ctrl-C
