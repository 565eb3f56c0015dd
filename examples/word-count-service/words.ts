/**
 * The command line of the service. `trigger` puts a page and prints the id of its job; `result` prints what became of it:
 *
 *     node --import @oxc-node/core/register examples/word-count-service/words.ts trigger --url https://example.com
 *     node --import @oxc-node/core/register examples/word-count-service/words.ts result --jobid <id>
 *     node --import @oxc-node/core/register examples/word-count-service/words.ts result --jobid <id> --wait 30s
 */
import { parseArgs } from 'node:util';
import { HotQueueError, type Duration } from 'hotqueue';
import { pages } from './counts.js';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { url: { type: 'string' }, jobid: { type: 'string' }, wait: { type: 'string' } },
});

async function main(): Promise<string> {
  if (positionals[0] === 'trigger' && values.url !== undefined) return (await pages.put({ url: values.url })).id;
  if (positionals[0] !== 'result' || values.jobid === undefined)
    throw new Error('use: words.ts trigger --url <url>, or words.ts result --jobid <id> [--wait 30s]');
  const job = pages.job(values.jobid);
  if (values.wait !== undefined) return String((await job.result({ timeout: values.wait as Duration })).words);
  const record = await job.fetch();
  if (!record) throw new Error(`there is no job ${values.jobid}`);
  return record.result
    ? String(record.result.words)
    : `${record.status}${record.error ? `: ${record.error.message}` : ''}`;
}

try {
  console.log(await main());
} catch (error) {
  console.error(error instanceof HotQueueError ? `${error.code}: ${error.message}` : (error as Error).message);
  process.exitCode = 1;
}
await pages.close();
