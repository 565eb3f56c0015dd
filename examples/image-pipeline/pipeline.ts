/**
 * A pipeline with a chain for each photograph: download → three sizes beside each other; and behind all of them → an index page.
 *
 *     node --import @oxc-node/core/register examples/image-pipeline/pipeline.ts [folder]
 *
 * It paints sample photographs, serves them on 127.0.0.1, and prints the flow while it runs. The same in single steps, with any number of
 * processes that may be killed:
 *
 *     … pipeline.ts serve                     serves the photographs, prints their addresses; until Ctrl-C
 *     … pipeline.ts work [folder]             until Ctrl-C
 *     … pipeline.ts put <addresses…>          prints the id of the flow
 *     … pipeline.ts show <id>                 its jobs
 */
import { createReadStream } from 'node:fs';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { chain, group, run, start, type Flow } from 'hotqueue';
import { photos, samples } from '../images/samples.js';
import { copies, downloads, pages } from './tasks.js';
import { Pipeline } from './workers.js';

const widths = [200, 400, 800];

/** Puts the whole pipeline. Either all of its jobs are put, or none runs. */
function put(addresses: readonly string[]): Promise<Flow<string>> {
  const sizes = () => group(widths.map((width) => copies.task({ width })));
  return group(
    addresses.map((url) => chain(downloads.task({ url }), sizes())),
    { then: pages.task() },
  );
}

/** Serves sample photographs. @returns their addresses */
async function serve(): Promise<{ readonly server: Server; readonly addresses: readonly string[] }> {
  const files = await samples({ folder: photos, count: 6, width: 1_600, height: 1_200 });
  const byPath = new Map(files.map((file) => [`/${path.basename(file)}`, file]));
  const server = createServer((request, response) => {
    const file = byPath.get(request.url ?? '');
    if (file === undefined) return void response.writeHead(404).end();
    response.setHeader('content-type', 'image/jpeg');
    pipeline(createReadStream(file), response).catch(() => response.destroy());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return { server, addresses: [...byPath.keys()].map((name) => `http://127.0.0.1:${port}${name}`) };
}

async function all(site: string): Promise<void> {
  const { server, addresses } = await serve();
  const runner = start(new Pipeline(site));
  const flow = await put(addresses);
  for await (const { done } of flow.watch()) console.log(`${done} of ${flow.jobs.length} jobs are done`);
  console.log(path.join(site, await flow.result()));
  await runner.stop();
  server.close();
}

const [command, ...rest] = process.argv.slice(2);
const site = path.resolve((command === 'work' ? rest[0] : command) ?? path.join(import.meta.dirname, 'site'));
if (command === 'serve') console.log((await serve()).addresses.join('\n'));
else if (command === 'work') await run(new Pipeline(site));
else if (command === 'put') console.log((await put(rest)).id);
else if (command === 'show') console.log(await (await pages.flow(rest[0] ?? '')).picture());
else await all(site);
