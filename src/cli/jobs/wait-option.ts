import { Option } from 'commander';
import type { Duration } from 'hotqueue';
import { duration, type RedisFlags } from '../command.js';

export interface WaitFlags extends RedisFlags {
  /** How long the command waits for a result. `true`: without a limit. Absent: it does not wait. */
  readonly wait?: Duration | true;
}

export const waitOption = (says: string): Option => new Option('--wait [duration]', says).argParser(duration);
