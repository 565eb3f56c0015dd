import { handlersIn } from '../worker/discover-workers.js';
import { ok, warning, type Finding } from './finding.js';

/**
 * Checks the payload classes of the workers in files. It loads the files, and runs no worker.
 *
 * @returns one finding for each class that is not compiled, and one for each payload that is
 * @throws WorkerFileError, NoWorkersError
 */
export async function judgePayloads(files: readonly string[]): Promise<Finding[]> {
  const handlers = await handlersIn(files);
  const payloads = new Map(handlers.map(({ payload }) => [payload.source, payload]));
  return [...payloads.values()].flatMap((payload) => {
    const { name } = payload;
    const declined = payload.notCompiled?.();
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
