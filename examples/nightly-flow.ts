/**
 * A schedule that starts a flow: every night, the sales of each shop are counted beside each other, and then summed up. Any number of these
 * processes may run: each night has one report.
 *
 *     node --import @oxc-node/core/register examples/nightly-flow.ts          until Ctrl-C
 *     node --import @oxc-node/core/register examples/nightly-flow.ts now      the same now, for the last night
 */
import { setTimeout } from 'node:timers/promises';
import { IsDateString, IsString } from 'class-validator';
import { group, HotQueue, run, start, worker, type Delivery } from 'hotqueue';
import { z } from 'zod';

const shops = ['Lisbon', 'Oslo', 'Quito'];

/** Count what a shop sold on a day. */
class Count {
  @IsString() shop!: string;
  @IsDateString() day!: string;
}

const sold = z.object({ shop: z.string(), day: z.string(), pieces: z.number() });
const total = z.object({ day: z.string(), pieces: z.number() });

/** Its messages come from the schedule. The result of such a job is that of the flow. */
const nights = new HotQueue('nights', { payload: z.object({ report: z.literal('sales') }), track: true });
const counts = new HotQueue('night-counts', { payload: Count, result: sold });
const totals = new HotQueue('night-totals', { payload: z.array(sold), result: total });

class Office {
  @worker(nights, {
    schedules: {
      nightly: { cron: '0 3 * * *', timeZone: 'Europe/Berlin', payload: { report: 'sales' }, track: { keep: '30d' } },
    },
  })
  async begin(_: { report: 'sales' }, job: Delivery<{ report: 'sales' }>): Promise<void> {
    const day = new Date(job.schedule!.dueAt - 86_400_000).toISOString().slice(0, 10);
    // If this handler runs again after a crash, the ids make sure that each job is put once.
    const id = (name: string): string => `${job.id.replace(/[@~]/g, '.')}.${name}`;
    const tasks = shops.map((shop) => counts.task({ shop, day }, { id: id(shop) }));
    job.continueWith(await group(tasks, { then: totals.task(undefined, { id: id('total') }) }));
  }

  @worker(counts, { concurrency: 3 })
  count({ shop, day }: Count): z.output<typeof sold> {
    const pieces = [...`${shop}${day}`].reduce((sum, letter) => sum + letter.charCodeAt(0), 0); // in place of a database
    console.log(`${shop} sold ${pieces}`);
    return { shop, day, pieces };
  }

  @worker(totals)
  sum(all: z.output<typeof sold>[]): z.output<typeof total> {
    const pieces = all.reduce((sum, one) => sum + one.pieces, 0);
    console.log(`${all[0]!.day}: ${pieces} in ${all.length} shops`);
    return { day: all[0]!.day, pieces };
  }
}

if (process.argv[2] === 'now') {
  const runner = start(new Office());
  while (!(await nights.schedules.get('nightly'))) await setTimeout(50); // the worker declares it when it starts
  const { id } = await nights.schedules.run('nightly');
  console.log(await nights.job(id).result());
  await runner.stop();
} else await run(new Office());
