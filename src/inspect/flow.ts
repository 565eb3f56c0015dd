import type { QueueOptions } from '../core/options/queue.js';
import { flowAsMermaid, flowAsText, type FlowNode } from '../flows/picture.js';
import { refIn, refText } from '../jobs/after.js';
import { Broker } from '../redis/broker.js';
import { Keys } from '../redis/keys.js';
import { asking } from './queues.js';

export { flowAsMermaid, flowAsText, type FlowNode };

const patience = { withinMs: 10_000 };
const mostNodes = 20_000;

/**
 * The jobs that a job waits for, those that wait for it, and so on; parents before children. Empty if it has no record.
 *
 * @param address where Redis is, and the `prefix`
 */
export function readFlow(queue: string, id: string, address: QueueOptions): Promise<FlowNode[]> {
  return asking(queue, address, async ({ connection, keys }) => {
    const found = new Map<string, FlowNode>();
    const open = [refText({ prefix: keys.names, queue, id })];
    for (let text = open.pop(); text !== undefined && found.size < mostNodes; text = open.pop()) {
      if (found.has(text)) continue;
      const ref = refIn(text);
      const { jobs, flows } = new Broker(connection, new Keys(ref.queue, ref.prefix));
      const [status, parents, children] = await Promise.all([
        jobs.mend(ref.id, patience),
        flows.parents(ref.id, patience),
        flows.children(ref.id, patience),
      ]);
      if (status === undefined && found.size === 0) return [];
      found.set(text, { id: ref.id, queue: ref.queue, status, after: parents.map((one) => refIn(one.text).id) });
      open.push(...parents.map((one) => one.text), ...children);
    }
    return parentsFirst([...found.values()]);
  });
}

function parentsFirst(nodes: readonly FlowNode[]): FlowNode[] {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const sorted = new Set<FlowNode>();
  const visit = (node: FlowNode): void => {
    if (sorted.has(node)) return;
    for (const parent of node.after) if (byId.has(parent)) visit(byId.get(parent)!);
    sorted.add(node);
  };
  for (const node of [...nodes].sort((one, other) => (one.id < other.id ? -1 : 1))) visit(node);
  return [...sorted];
}
