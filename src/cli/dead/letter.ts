import type { DeadLetter, ErrorRecord } from 'hotqueue';
import { age, harmless, paint, table, widthOf } from '../output.js';
import { cutTo } from '../text-width.js';

/** A table with a row for each dead letter. */
export function lettersAsText(letters: readonly DeadLetter[], now: number): string {
  const widest = Math.max(...letters.map(({ key }) => key.length));
  const room = Math.max(20, widthOf() - widest - 24);
  const rows = letters.map(({ key, buriedAt, attempts, reason, error }) => {
    const why = error ? `${reason}: ${error.name}: ${error.message}` : reason;
    return [harmless(key), age(Math.max(0, now - buriedAt)), String(attempts), cutTo(harmless(why), room)];
  });
  return table(['key', 'buried', 'attempts', 'reason'], rows);
}

/** All data of one dead letter, with control characters escaped. */
export function letterAsText(letter: DeadLetter, now: number): string {
  const { id, key, queue, reason, error, attempts, failures, buriedAt, bytes, text } = letter;
  const facts = [
    ['id', key === id ? id : `${id} (key ${key})`],
    ['queue', queue],
    ['reason', reason],
    ['buried', `${new Date(buriedAt).toISOString()}, ${age(Math.max(0, now - buriedAt))} ago`],
    ['attempts', String(attempts)],
    ['bytes', bytes.length.toLocaleString('en')],
  ];
  const rules =
    error?.violations?.map(({ path, rule, message }) => `  ${path || 'the payload'}: ${message} (${rule})`) ?? [];
  const history = failures.map(
    ({ attempt, at, name, message }) => `  ${attempt}  ${new Date(at).toISOString()}  ${name}: ${message}`,
  );
  return [
    ...facts.map(([name, value]) => `${paint('dim', name!.padEnd(8))}  ${harmless(value!)}`),
    ...section('error', error ? errorLines(error) : []),
    ...section('broken rules', rules),
    ...section('attempts', history),
    ...section('payload', [`  ${text}`]),
  ].join('\n');
}

/** An error with its causes, as Node prints them: indented below it. */
function errorLines(error: ErrorRecord, indent = '  '): string[] {
  const { code, cause, errors = [] } = error;
  const text = error.stack ?? `${error.name}: ${error.message}`;
  const below = `${indent}  `;
  return [
    ...text.split('\n').map((line) => indent + line),
    ...(code === undefined ? [] : [`${below}code: ${code}`]),
    ...(cause ? [`${below}cause:`, ...errorLines(cause, `${below}  `)] : []),
    ...errors.flatMap((each, index) => [`${below}errors[${index}]:`, ...errorLines(each, `${below}  `)]),
  ];
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ['', paint('bold', title), ...lines.map(harmless)];
}

/** The same data for programs. The bytes are in base64, because they need not be text. */
export function letterAsJson({ error, bytes, ...letter }: DeadLetter): object {
  return { ...letter, error: error ?? null, bytes: bytes.toString('base64') };
}
