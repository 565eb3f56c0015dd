import { ignoreBrokenPipes } from '../../core/broken-pipes.js';
import { exitCodes } from '../command.js';
import { exitSoon } from '../exit.js';
import { errorWithStack } from './load.js';
import { logIn } from './log.js';
import type { ChildCommand, ChildReport } from './messages.js';
import type { WorkerSettings } from './settings.js';
import { WorkerProcess } from './worker-process.js';

/**
 * A supervised process: `node child.js <settings as JSON>`, with an IPC channel to its supervisor.
 *
 * When the supervisor dies, for any reason, the channel closes. Then the child stops as on SIGTERM. Otherwise workers would keep
 * running without a supervisor.
 */
const settings = JSON.parse(process.argv[2] ?? '') as WorkerSettings;
const report = (message: ChildReport): void => void process.send?.(message, undefined, undefined, () => {}); // ignores errors: `disconnect` reports a dead supervisor
const workerProcess = new WorkerProcess(settings, logIn(settings.log), (shutdownTimeoutMs) =>
  report({ kind: 'ready', shutdownTimeoutMs }),
);

ignoreBrokenPipes();
process.on('disconnect', () => workerProcess.stop('orphaned'));
process.on('message', (command: ChildCommand) =>
  command.kind === 'force' ? workerProcess.force() : workerProcess.stop(command.reason),
);
process.once('SIGTERM', () => {
  workerProcess.stop('SIGTERM');
  process.on('SIGTERM', () => workerProcess.force());
});
// Ctrl-C sends SIGINT to all foreground processes, as a closed terminal sends SIGHUP. The child ignores them, because the
// supervisor sends its own command.
for (const signal of ['SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGUSR2'] as const) process.on(signal, () => {});
if (!process.connected) workerProcess.stop('orphaned'); // the supervisor died while this file was loaded

try {
  const reason = await workerProcess.work();
  report({ kind: 'ended', reason });
  exitSoon(workerProcess.isForced ? exitCodes.failed : exitCodes.done);
} catch (error) {
  report({ kind: 'failed', message: errorWithStack(error) });
  exitSoon(exitCodes.failed);
}
