import type { DeadLetter } from 'hotqueue';
import { errorLine, errorLines, factLines, instantText, section, type Fact } from '../facts.js';
import { age, paint, printable } from '../output.js';
import { table, tableColumns } from '../table.js';
import { cutTo } from '../text-width.js';

/**
 * A row for each dead letter, with its payload: on a terminal in a line of its own, cut to the width; for another program
 * in the last column, in full.
 */
export function lettersAsText(letters: readonly DeadLetter[], now: number, columns = tableColumns()): string {
  const heading = ['key', 'buried', 'attempts', 'reason'];
  const rows = letters.map(({ key, buriedAt, attempts, reason, error }) => [
    key,
    age(Math.max(0, now - buriedAt)),
    String(attempts),
    error ? `${reason}: ${errorLine(error)}` : reason,
  ]);
  const payloads = letters.map(({ text }) => text);
  if (columns === Infinity)
    return table(
      [...heading, 'payload'],
      rows.map((row, index) => [...row, payloads[index]!]),
    );
  const [first, ...lines] = table(heading, rows, columns).split('\n');
  const below = payloads.map((text) => paint('dim', cutTo(`  ${printable(text.slice(0, columns))}`, columns)));
  return [first, ...lines.flatMap((line, index) => [line, below[index]])].join('\n');
}

/** All data of one dead letter, with control characters escaped. */
export function letterAsText(letter: DeadLetter, now: number): string {
  const { id, key, queue, reason, error, attempts, failures, buriedAt, bytes, text } = letter;
  const facts: Fact[] = [
    ['id', key === id ? id : `${id} (key ${key})`],
    ['queue', queue],
    ['reason', reason],
    ['buried', instantText(buriedAt, now)],
    ['attempts', String(attempts)],
    ['bytes', bytes.length.toLocaleString('en')],
  ];
  const rules =
    error?.violations?.map(({ path, rule, message }) => `  ${path || 'the payload'}: ${message} (${rule})`) ?? [];
  const history = failures.map(
    ({ attempt, at, name, message, causes }) =>
      `  ${attempt}  ${new Date(at).toISOString()}  ${name}: ${message}${causes === undefined ? '' : ` (${causes})`}`,
  );
  return [
    ...factLines(facts),
    ...section('error', error ? errorLines(error) : []),
    ...section('broken rules', rules),
    ...section('attempts', history),
    ...section('payload', [`  ${text}`]),
  ].join('\n');
}

/** The same data for programs. The bytes are in base64, because they need not be text. */
export function letterAsJson({ error, bytes, ...letter }: DeadLetter): object {
  return { ...letter, error: error ?? null, bytes: bytes.toString('base64') };
}
