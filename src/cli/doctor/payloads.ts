import type { BoundHandler } from '../../worker/handlers.js';
import { setCliHost } from '../../worker/cli-host.js';
import { load, nearby } from '../worker/load.js';
import { WorkerDiscovery } from '../worker/discover-workers.js';
import { ok, warning, type Finding } from './finding.js';

/**
 * Loads files with workers, without running them, and checks the payload classes of their queues.
 *
 * @throws WorkerFileError, NoWorkersError
 */
export async function judgePayloads(files: readonly string[]): Promise<Finding[]> {
  const never = new Promise<void>(() => {});
  const discovery = new WorkerDiscovery(files.map(nearby).join(', '), never);
  setCliHost(discovery);
  try {
    for (const file of files) discovery.add(await load(file, discovery.nextRun()));
    return findings(discovery.finish(undefined).handlers);
  } finally {
    setCliHost(undefined);
  }
}

/** One finding for each payload class that is not compiled, and one for each payload that is. */
function findings(handlers: readonly BoundHandler[]): Finding[] {
  const payloads = new Map(handlers.map(({ payload }) => [payload.source, payload]));
  return [...payloads.values()].flatMap(({ name, notCompiled }) => {
    const declined = notCompiled?.();
    if (!declined) return [];
    if (declined.length === 0) return [ok(`payload ${name}`, 'its validation is compiled')];
    return declined.map(({ name: cls, reason }) =>
      warning(
        `payload ${name}`,
        `${cls} is not compiled, so each of its objects takes about as long as in class-validator: ${reason}`,
        'change this if many messages have such objects; docs/payloads.md says what is compiled',
      ),
    );
  });
}
