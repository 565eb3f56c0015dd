import { Option, type Command } from 'commander';
import type { HotQueue, JobListOptions, JobPage, JobStatus } from 'hotqueue';
import { jobStatuses } from '../../core/job.js';
import { answer, missing, redisCommand, usage, wholeFrom, withTextQueue, type RedisFlags } from '../command.js';
import type { JsonText } from '../json-text.js';
import { jsonWith, print } from '../output.js';

type JobsFlags = RedisFlags & { readonly status?: JobStatus; readonly limit?: number; readonly cursor?: string };

/** `jobs`: counts and lists the tracked jobs of a queue. */
export function jobsCommand(): Command {
  return redisCommand(
    'jobs',
    'Print how many tracked jobs of a queue have each status; with --status, a page of them, the newest first. Exits with 3 if none has the status.',
    [
      ['jobs pages', 'the counts'],
      ['jobs pages --status failed', 'the newest twenty that failed'],
      ['jobs pages --status done --json | jq -c .jobs[]', 'the records, one per line'],
    ],
  )
    .argument('<queue>')
    .addOption(new Option('--status <status>', 'list the jobs with this status').choices(jobStatuses))
    .option('-l, --limit <number>', 'with --status: number of jobs on the page (default: 20)', wholeFrom(1, 1_000))
    .option('--cursor <cursor>', 'with --status: the cursor of the page before')
    .action(async (queue: string, flags: JobsFlags, command: Command) => {
      const { status } = flags;
      if (status === undefined && (flags.limit !== undefined || flags.cursor !== undefined))
        usage(command, '--limit and --cursor need --status: without a status, jobs prints only counts');
      await withTextQueue(queue, flags, (it) => (status === undefined ? counts(it, flags) : list(it, status, flags)));
    });
}

async function counts(queue: HotQueue<JsonText>, flags: JobsFlags): Promise<void> {
  const found = await queue.jobs.counts();
  const { table } = await import('../table.js');
  answer(flags, { queue: queue.name, counts: found }, () =>
    table(
      ['status', 'jobs'],
      Object.entries(found).map(([status, n]) => [status, n.toLocaleString('en')]),
    ),
  );
}

async function list(queue: HotQueue<JsonText>, status: JobStatus, flags: JobsFlags): Promise<void> {
  const { jobs, cursor } = await pageOf(queue, status, flags);
  if (jobs.length === 0)
    return missing(`${queue.name} has no${flags.cursor === undefined ? '' : ' more'} job that is ${status}`);
  const { recordAsJson } = await import('./record.js');
  if (flags.json) {
    const records = `[${jobs.map(recordAsJson).join(',')}]`;
    return print(jsonWith({ queue: queue.name, status, jobs: records, cursor }, 'jobs'));
  }
  const { tableOfJobs } = await import('./table-of-jobs.js');
  print(tableOfJobs(status, jobs, Date.now()));
  if (cursor !== undefined) print(`more: use --cursor ${cursor}`);
}

/** A page; with a cursor only if there is another job. A page of the library may be empty: its records have just expired. */
async function pageOf(
  queue: HotQueue<JsonText>,
  status: JobStatus,
  { limit = 20, cursor }: JobsFlags,
): Promise<JobPage<JsonText>> {
  const page = await nextPage(queue, { status, limit, ...(cursor !== undefined && { cursor }) });
  if (page.cursor === undefined) return page;
  const rest = await nextPage(queue, { status, limit: 1, cursor: page.cursor });
  return rest.jobs.length > 0 ? page : { jobs: page.jobs };
}

/** The next page that is not empty, or the last one. */
async function nextPage(queue: HotQueue<JsonText>, options: JobListOptions): Promise<JobPage<JsonText>> {
  let page = await queue.jobs.list(options);
  while (page.jobs.length === 0 && page.cursor !== undefined)
    page = await queue.jobs.list({ ...options, cursor: page.cursor });
  return page;
}
