import type { Command } from 'commander';
import { duration, redisCommand } from './command.js';
import type { MetricsFlags } from './print-metrics.js';

/** `metrics`: prints what the workers of queues have counted. */
export function metricsCommand(): Command {
  return redisCommand(
    'metrics',
    'Show how many attempts queues have handled, how long the handlers ran, and how long the messages waited.',
    [
      ['metrics', 'all queues, the last hour'],
      ['metrics emails --since 5m', 'one queue, the last five minutes'],
      ['metrics --since 7d --json', 'for other programs, with a point for each hour'],
    ],
  )
    .argument('[queue...]', 'names of queues (default: all queues)')
    .option('--since <duration>', 'how far back, from 1m to 32d', duration, '1h')
    .action(async (names: string[], flags: MetricsFlags) => {
      const { printMetrics } = await import('./print-metrics.js');
      await printMetrics(names, flags);
    });
}
