import { existsSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';

export const usage = `npm run bench -- [options]

  --smoke            small run: few jobs, one round, times are not checked; fails if a job is lost
  --only a,b         only these workloads, by name, start of name, or group: put, consume-50, latency, growth, …
  --systems a,b      only these systems: hotqueue, bullmq, bee-queue, …
  --rounds n         number of rounds, 3 by default; the result is their median
  --drain n          number of jobs to drain, 1,000,000 by default; also limits backlog-1000000
  --continue FILE    continue an interrupted run: keep the measurements in this raw result file, and measure the rest
  --against FOLDER   also measure the build of another commit, in this dist folder; runs in turn, as hotqueue-before
  --list             list the workloads and exit
`;

/** Parses the command line. @throws TypeError if an option is unknown or invalid */
export function readOptions(args) {
  const { values } = parseArgs({
    args,
    options: {
      smoke: { type: 'boolean', default: false },
      only: { type: 'string' },
      systems: { type: 'string' },
      rounds: { type: 'string' },
      drain: { type: 'string' },
      continue: { type: 'string' },
      against: { type: 'string' },
      list: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  return {
    ...values,
    only: values.only?.split(','),
    systems: values.systems?.split(','),
    rounds: whole('rounds', values.rounds) ?? (values.smoke ? 1 : 3),
    drain: whole('drain', values.drain),
    against: distFolder(values.against),
  };
}

function whole(name, text) {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (Number.isInteger(value) && value > 0) return value;
  throw new TypeError(`invalid --${name} "${text}": expected a whole number from 1`);
}

function distFolder(text) {
  if (text === undefined) return undefined;
  const folder = path.resolve(text);
  if (existsSync(path.join(folder, 'index.js'))) return folder;
  throw new TypeError(`invalid --against "${text}": ${folder} has no index.js. Give the dist folder of a built commit`);
}
