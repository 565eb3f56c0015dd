const portion = 500;

/** Calls `ask` for all values, some at a time, and waits for all of a portion. @throws the first error, after its portion has ended */
export async function inPortions<V, A>(values: readonly V[], ask: (value: V) => Promise<A>): Promise<A[]> {
  const answers: A[] = [];
  for (let from = 0; from < values.length; from += portion) {
    const asked = values.slice(from, from + portion).map(ask);
    await Promise.allSettled(asked);
    for (const answer of asked) answers.push(await answer);
  }
  return answers;
}
