/**
 * Characters that a terminal obeys (C0 and C1 controls, so all escape sequences), line separators, and marks that change the
 * order of the text on the screen.
 */
// eslint-disable-next-line no-control-regex
const unsafe = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

const spellings = {
  /** `\x1b` and `\u202e`; a tab becomes a space. */
  text: (code: number): string => (code === 9 ? ' ' : code < 256 ? `\\x${hex(code, 2)}` : `\\u${hex(code, 4)}`),
  /** `\u001b`, as JSON spells it. Text that is JSON keeps its value. */
  json: (code: number): string => `\\u${hex(code, 4)}`,
} as const;

const hex = (code: number, digits: number): string => code.toString(16).padStart(digits, '0');

/**
 * Text on one line that is safe to print on a terminal and to write to a log.
 *
 * Everything that comes from outside goes through this function before it is printed: messages, ids, names, errors. Otherwise a
 * message could move the cursor, clear the screen, set the title, or add a line to the log.
 */
export function printable(text: string, spelling: keyof typeof spellings = 'text'): string {
  return text.replace(unsafe, (character) => spellings[spelling](character.charCodeAt(0)));
}

/** The same for text of several lines: keeps the line breaks. */
export const printableLines = (text: string): string =>
  text
    .split(/\r?\n/)
    .map((line) => printable(line))
    .join('\n');
