const longestShown = 80;

/** A refused value in words: itself, as in `"x"`, `7` or `7n`, or `an object`, `an array`, `a function`. Never throws. */
export function describe(value: unknown): string {
  if (typeof value === 'string') return quoted(value);
  if (typeof value === 'bigint') return `${cut(String(value))}n`;
  if (typeof value === 'function') return 'a function';
  if (typeof value !== 'object' || value === null) return String(value);
  return isArray(value) ? 'an array' : 'an object';
}

/** A refused value behind the name of its option, as in `invalid signal (an object)`. */
export function shown(value: unknown): string {
  const isText = typeof value !== 'function' && (typeof value !== 'object' || value === null);
  return isText ? describe(value) : `(${describe(value)})`;
}

/** A text in quotes. A long one is cut, and its length is added. */
function quoted(text: string): string {
  if (text.length <= longestShown) return JSON.stringify(text);
  return `${JSON.stringify(text.slice(0, longestShown - 20))} and more, ${text.length} characters in all`;
}

const cut = (digits: string): string => (digits.length <= longestShown ? digits : `${digits.slice(0, longestShown)}…`);

/** `Array.isArray` throws for a revoked proxy. */
function isArray(value: object): boolean {
  try {
    return Array.isArray(value);
  } catch {
    return false;
  }
}
