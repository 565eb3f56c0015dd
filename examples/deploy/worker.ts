/** A process that deploy.ts replaces. It needs no code for that: on SIGTERM, `run` lets active messages finish. */
import { setTimeout } from 'node:timers/promises';
import { run, worker } from 'hotqueue';
import { type Order, orders, receipts } from './orders.js';

const version = Number(process.env.VERSION ?? 1);

class Warehouse {
  @worker(orders, { concurrency: 4 })
  async ship({ number }: Order) {
    await setTimeout(10 + (number % 7) * 10); // parcels take different times
    await receipts.put({ number, version });
  }
}

await run(new Warehouse(), { shutdownTimeout: '10s' });
