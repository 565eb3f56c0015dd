/**
 * A batch worker: one request to a bulk API instead of a hundred requests. Ctrl-C ends it.
 *
 *     node --import @oxc-node/core/register examples/batches.ts
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { IsNumber, IsString } from 'class-validator';
import { Bury, HotQueue, run, worker, type Delivery } from 'hotqueue';

class Reading {
  @IsString() sensor!: string;
  @IsNumber() celsius!: number;
}

const readings = new HotQueue('measurements', { payload: Reading });

class Archive {
  constructor(private readonly url: string) {}

  // After its first reading, a batch waits at most 50 ms for more.
  @worker(readings, { batch: 100, linger: '50ms', backoff: '100ms' })
  async store(batch: Reading[], jobs: Delivery<Reading>[]): Promise<void> {
    const rows = batch.map((reading, index) => ({ id: jobs[index]!.id, ...reading }));
    const response = await fetch(this.url, { method: 'POST', body: JSON.stringify(rows) });
    if (!response.ok) throw new Error(`the archive said ${response.status}`); // fails all readings of the batch: they are retried
    const refused = (await response.json()) as { index: number; reason: string }[];
    for (const { index, reason } of refused) jobs[index]!.fail(new Bury(reason)); // fails only these readings, without a retry
    console.log(`sent ${batch.length}, refused ${refused.length}`);
  }
}

// The archive stores rows by id, so a row that arrives twice is stored once. It refuses the first request with 503.
const kept = new Map<string, Reading>();
let requests = 0;
async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (++requests === 1) return void response.writeHead(503).end();
  const rows = (await json(request)) as ({ id: string } & Reading)[];
  const refused = rows.flatMap(({ celsius }, index) =>
    celsius < -273.15 ? [{ index, reason: 'below absolute zero' }] : [],
  );
  for (const row of rows) if (row.celsius >= -273.15) kept.set(row.id, row);
  response.end(JSON.stringify(refused));
  if (kept.size === 249) console.log(`kept ${kept.size} readings, ${requests} requests`);
}
const archive = createServer((request, response) => void answer(request, response)).listen(0, '127.0.0.1');
await once(archive, 'listening');

await readings.putAll(
  Array.from({ length: 250 }, (_, index) => ({ sensor: 'roof', celsius: index === 7 ? -300 : 20 + (index % 5) })),
);
await run(new Archive(`http://127.0.0.1:${(archive.address() as AddressInfo).port}`));
archive.close();
