import { HotQueueError } from 'hotqueue';
import { exitCodes } from '../command.js';
import { leave } from './exit.js';
import { told } from './load.js';
import { logIn } from './log.js';
import type { Order, Report } from './messages.js';
import type { WorkerSettings } from './settings.js';
import { WorkerProcess } from './worker-process.js';

/**
 * A supervised process: `node child.js <settings as JSON>`, with an IPC channel to its supervisor.
 *
 * When the supervisor dies, for any reason, the channel closes. Then the child stops as on SIGTERM. Otherwise workers would keep
 * running without a supervisor.
 */
const settings = JSON.parse(process.argv[2] ?? '') as WorkerSettings;
const report = (one: Report): void => void process.send?.(one, undefined, undefined, () => {}); // ignores errors: `disconnect` reports a dead supervisor
const shift = new WorkerProcess(settings, logIn(settings.log), (shutdownTimeoutMs) =>
  report({ kind: 'ready', shutdownTimeoutMs }),
);

process.on('disconnect', () => shift.stop('orphaned'));
process.on('message', (order: Order) => (order.kind === 'force' ? shift.force() : shift.stop(order.reason)));
process.once('SIGTERM', () => {
  shift.stop('SIGTERM');
  process.on('SIGTERM', () => shift.force());
});
// Ctrl-C sends SIGINT to all foreground processes. The child ignores it, because the supervisor sends its own command.
process.on('SIGINT', () => {});
if (!process.connected) shift.stop('orphaned'); // the supervisor died while this file was loaded

try {
  const reason = await shift.work();
  report({ kind: 'ending', reason });
  leave(shift.isForced ? exitCodes.failed : exitCodes.done);
} catch (error) {
  report({ kind: 'failed', message: error instanceof HotQueueError ? error.message : told(error) });
  leave(exitCodes.failed);
}
