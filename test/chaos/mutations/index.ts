/** All mutations of `npm run chaos:mutants`, by topic. */
import { flows } from './flows.js';
import { history } from './history.js';
import { jobs } from './jobs.js';
import { leases } from './leases.js';
import { poison } from './poison.js';
import { puts } from './puts.js';
import { schedules } from './schedules.js';
import { server } from './server.js';
import { settling } from './settling.js';
import { takes } from './takes.js';
import type { Mutant } from './mutant.js';

export type { Mutant };

export const mutants: readonly Mutant[] = [
  ...puts,
  ...takes,
  ...settling,
  ...leases,
  ...poison,
  ...server,
  ...jobs,
  ...flows,
  ...schedules,
  ...history,
];
