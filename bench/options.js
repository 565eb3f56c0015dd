import { existsSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';

export const usage = `npm run bench -- [options]

  --smoke            the small form: few jobs, one round, judges no times; fails when a job is lost
  --only a,b         workloads by name, by the beginning of it, or by group: put, consume-50, latency, growth, …
  --systems a,b      only these systems: hotqueue, bullmq, bee-queue, …
  --rounds n         rounds of which the median is taken; 3 by default
  --drain n          jobs of the drain, 1,000,000 by default; 1 M waiting shrinks with it
  --continue FILE    goes on with a run that was interrupted: keeps what its raw results have, and measures the rest
  --against FOLDER   measures the build in this dist folder as well, in turn with ours: another commit, as hotqueue-before
  --list             the workloads, and ends
`;

/** @throws TypeError for what it does not know */
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
  throw new TypeError(`--${name} ${text}: give a whole number from 1`);
}

function distFolder(text) {
  if (text === undefined) return undefined;
  const folder = path.resolve(text);
  if (existsSync(path.join(folder, 'index.js'))) return folder;
  throw new TypeError(`--against ${text}: ${folder} has no index.js. Give the dist folder of a built commit`);
}
