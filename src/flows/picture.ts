import type { JobStatus } from '../core/job.js';

/** A job in a picture of a flow. */
export interface FlowNode {
  readonly id: string;
  readonly queue: string;
  /** `undefined` if it has no record. */
  readonly status: JobStatus | 'gone' | undefined;
  /** Ids of the jobs for which it waits. */
  readonly after: readonly string[];
}

/** More parents than this are counted, and not drawn. */
const mostDrawn = 10;

/** A line for each job: how deep it lies, its queue, its id, its status, and how many jobs it waits for. */
export function flowAsText(nodes: readonly FlowNode[]): string {
  const depths = depthsOf(nodes);
  const widest = Math.max(...nodes.map(({ id, queue }) => queue.length + 2 * depths.get(id)!));
  const shown = new Map<number, number>();
  const lines: string[] = [];
  for (const { id, queue, status = 'gone', after } of nodes) {
    const depth = depths.get(id)!;
    const same = (shown.get(depth) ?? 0) + 1;
    shown.set(depth, same);
    if (same > mostDrawn) continue;
    const waits = after.length > 1 ? `, after ${after.length} jobs` : '';
    lines.push(`${`${'  '.repeat(depth)}${queue}`.padEnd(widest)}  ${id}  ${status}${waits}`);
  }
  for (const [depth, count] of shown)
    if (count > mostDrawn) lines.push(`${'  '.repeat(depth)}… ${count - mostDrawn} more jobs beside the ${mostDrawn}`);
  return lines.join('\n');
}

/** A graph in the language of Mermaid. */
export function flowAsMermaid(nodes: readonly FlowNode[]): string {
  const names = new Map(nodes.map(({ id }, index) => [id, `j${index}`]));
  const boxes = nodes.map(({ id, queue, status = 'gone' }) => `  ${names.get(id)}["${queue}<br>${id}<br>${status}"]`);
  const arrows = nodes.flatMap(({ id, after }) =>
    after.flatMap((parent) => (names.has(parent) ? [`  ${names.get(parent)} --> ${names.get(id)}`] : [])),
  );
  return ['graph TD', ...boxes, ...arrows].join('\n');
}

/** How many jobs lie one behind the other before each of them. */
function depthsOf(nodes: readonly FlowNode[]): Map<string, number> {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const depths = new Map<string, number>();
  const depthOf = (id: string): number => {
    const known = depths.get(id);
    if (known !== undefined) return known;
    depths.set(id, 0); // a parent that is not in the picture
    const parents = byId.get(id)?.after.filter((parent) => byId.has(parent)) ?? [];
    const depth = parents.reduce((deepest, parent) => Math.max(deepest, depthOf(parent) + 1), 0);
    depths.set(id, depth);
    return depth;
  };
  for (const { id } of nodes) depthOf(id);
  return depths;
}
