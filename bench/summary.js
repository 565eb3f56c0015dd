import { median } from './clock.js';

/**
 * The median of each number over all rounds. Lost and duplicate jobs are added up.
 *
 * @returns {Map<string, Map<string, Record<string, any>>>} workload → system → numbers
 */
export function summarize(results) {
  const summary = new Map();
  for (const [workload, ofWorkload] of grouped(results, 'workload')) {
    summary.set(
      workload,
      new Map([...grouped(ofWorkload, 'system')].map(([system, rounds]) => [system, middle(rounds)])),
    );
  }
  return summary;
}

function middle(rounds) {
  const good = rounds.filter(({ error }) => !error);
  if (good.length === 0) return { error: rounds[0].error };
  const numbers = Object.keys(good[0]).filter((name) => typeof good[0][name] === 'number');
  const all = Object.fromEntries(numbers.map((name) => [name, median(good.map((round) => round[name]))]));
  const sum = (name) => good.reduce((total, round) => total + (round[name] ?? 0), 0);
  return { ...all, lost: sum('lost'), duplicates: sum('duplicates'), failed: rounds.length - good.length };
}

function grouped(results, field) {
  const groups = new Map();
  for (const result of results) groups.set(result[field], [...(groups.get(result[field]) ?? []), result]);
  return groups;
}
