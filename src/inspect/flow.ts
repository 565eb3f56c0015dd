import type { QueueOptions } from '../core/options/queue.js';
import { flowAsMermaid, flowAsText, type FlowNode } from '../flows/picture.js';
import { readFlow as read } from '../flows/read-flow.js';
import { refIn } from '../jobs/job-ref.js';
import { asking } from './queues.js';

export { flowAsMermaid, flowAsText, type FlowNode };

/**
 * The jobs that a job waits for, those that wait for it, and so on; parents before children. Empty if it has no record.
 *
 * @param address where Redis is, and the `prefix`
 */
export function readFlow(queue: string, id: string, address: QueueOptions): Promise<FlowNode[]> {
  return asking(queue, address, async ({ connection, keys }) => {
    const { steps } = await read(connection, { prefix: keys.names, queue, id });
    return [...steps.values()].map(({ ref, status, after }) => ({
      ...{ id: ref.id, queue: ref.queue, status, after: after.map((text) => refIn(text).id) },
    }));
  });
}
