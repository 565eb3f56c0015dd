/**
 * All names, each of them behind its parents. It does not call itself: a chain may have tens of thousands of jobs. If they wait for each other in a
 * circle, one of the circle is first.
 */
export function parentsFirst(names: Iterable<string>, parentsOf: (name: string) => readonly string[]): string[] {
  const sorted: string[] = [];
  const seen = new Set<string>();
  for (const first of names) {
    if (seen.has(first)) continue;
    seen.add(first);
    const path = [{ name: first, parents: parentsOf(first), at: 0 }];
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      const parent = top.parents[top.at];
      top.at += 1;
      if (parent === undefined) {
        sorted.push(top.name);
        path.pop();
      } else if (!seen.has(parent)) {
        seen.add(parent);
        path.push({ name: parent, parents: parentsOf(parent), at: 0 });
      }
    }
  }
  return sorted;
}
