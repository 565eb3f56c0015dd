/** A number with its thousands; short from 100,000 on: `12,345`, `1.2 M`. */
export function number(value: number): string {
  if (value < 100_000) return value.toLocaleString('en');
  return new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 }).format(value);
}

/** Attempts per second: `0`, `0.4`, `12`, `1.2K`. */
export function rate(value: number): string {
  return value < 10 ? String(Math.round(value * 10) / 10) : number(Math.round(value));
}

const units = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'min'],
  [1_000, 's'],
] as const;

/** A duration: `42 s`, `3 min`; `0 s` under a second. */
export function duration(ms: number): string {
  const [size, unit] = units.find(([least]) => Math.abs(ms) >= least) ?? [1_000, 's'];
  return `${Math.floor(Math.abs(ms) / size)} ${unit}`;
}

/** A measured time: `0.4 ms`, `35 ms`, `1.2 s`, `3.4 min`. */
export function took(ms: number): string {
  const [size, unit] = ms < 1_000 ? [1, 'ms'] : ms < 60_000 ? [1_000, 's'] : [60_000, 'min'];
  const value = ms / size;
  return `${value < 10 ? Math.round(value * 10) / 10 : Math.round(value)} ${unit}`;
}

/** `3 min ago`, `in 2 h`, `now`. */
export function relative(at: number, now: number): string {
  if (Math.abs(now - at) < 1_000) return 'now';
  return at > now ? `in ${duration(at - now)}` : `${duration(now - at)} ago`;
}

/** The exact time, for the hover. */
export const exact = (at: number): string =>
  Number.isFinite(at) && Math.abs(at) < 8.64e15
    ? new Date(at).toISOString().replace('T', ' ').replace('Z', ' UTC')
    : '';

/** `812 B`, `1.2 KiB`, `1.0 MiB`. */
export function bytes(size: number): string {
  if (size < 1_024) return `${size} B`;
  return size < 1_048_576 ? `${(size / 1_024).toFixed(1)} KiB` : `${(size / 1_048_576).toFixed(1)} MiB`;
}

export const count = (n: number, what: string): string => `${n.toLocaleString('en')} ${what}${n === 1 ? '' : 's'}`;

/** JSON with indentation; other text as it is. Large texts too: they are slow to lay out otherwise. */
export function pretty(text: string): string {
  try {
    return text.length > 200_000 ? text : JSON.stringify(JSON.parse(text), undefined, 2);
  } catch {
    return text;
  }
}

/** An argument for a shell: in single quotes if it needs them. */
export const quoted = (text: string): string =>
  /^[\w./:@=-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;

/** Characters without a shape, and marks that change the order of the text on the screen; line breaks and tabs are kept. */
// eslint-disable-next-line no-control-regex
const shapeless = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

/** Text in which such characters are spelled as in JSON: `\u202e`. Text that is JSON keeps its value. */
export const visible = (text: string): string =>
  text.replace(shapeless, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
