import type { JobStatus } from '../core/job.js';
import { parentsFirst } from './parents-first.js';

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
/** Jobs that lie deeper have the same indent: the lines of a chain of thousands would be too long for a text. */
const deepestDrawn = 40;

/** A line for each job: how deep it lies, its queue, its id, its status, and how many jobs it waits for. */
export function flowAsText(nodes: readonly FlowNode[]): string {
  const depths = depthsOf(nodes);
  const indentOf = (depth: number): string => '  '.repeat(Math.min(depth, deepestDrawn));
  const widest = nodes.reduce(
    (most, { id, queue }) => Math.max(most, queue.length + indentOf(depths.get(id)!).length),
    0,
  );
  const shown = new Map<number, number>();
  const lines: string[] = [];
  for (const { id, queue, status = 'gone', after } of nodes) {
    const depth = depths.get(id)!;
    const same = (shown.get(depth) ?? 0) + 1;
    shown.set(depth, same);
    if (same > mostDrawn) continue;
    const waits = after.length > 1 ? `, after ${after.length} jobs` : '';
    lines.push(`${`${indentOf(depth)}${queue}`.padEnd(widest)}  ${id}  ${status}${waits}`);
  }
  for (const [depth, count] of shown)
    if (count > mostDrawn) lines.push(`${indentOf(depth)}… ${count - mostDrawn} more jobs beside the ${mostDrawn}`);
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
  const parentsOf = (id: string): string[] => byId.get(id)!.after.filter((parent) => byId.has(parent));
  const depths = new Map<string, number>();
  for (const id of parentsFirst(byId.keys(), parentsOf))
    depths.set(
      id,
      parentsOf(id).reduce((deepest, parent) => Math.max(deepest, (depths.get(parent) ?? 0) + 1), 0),
    );
  return depths;
}
