/** The jobs that end a flow, in the form of its result: one, or several beside each other. */
export type Ends<J> = J | readonly Ends<J>[];

const isMany = <J>(ends: Ends<J>): ends is readonly Ends<J>[] => Array.isArray(ends);

/** All jobs, in order. */
export function endsIn<J>(ends: Ends<J>): J[] {
  return isMany(ends) ? ends.flatMap((one) => endsIn(one)) : [ends];
}

export function mapEnds<J, K>(ends: Ends<J>, change: (job: J) => K): Ends<K> {
  return isMany(ends) ? ends.map((one) => mapEnds(one, change)) : change(ends);
}

/** The results of the jobs, in their form. */
export async function resultOf<J, R>(ends: Ends<J>, ask: (job: J) => Promise<R>): Promise<unknown> {
  return isMany(ends) ? Promise.all(ends.map((one) => resultOf(one, ask))) : ask(ends);
}

/** How the results become a payload, as `input` in `parent-ended.lua`. */
export function inputOf(ends: Ends<unknown>): string {
  if (!isMany(ends)) return 'previous';
  const isFlat = ends.length > 1 && !ends.some(isMany);
  return isFlat ? 'previous' : formOf(ends);
}

function formOf(ends: Ends<unknown>): string {
  return isMany(ends) ? `[${ends.map(formOf).join(',')}]` : '.';
}
