import stringWidth from 'string-width';

// Visible characters that people read as one can be several code points: an accent, a family emoji. Cutting between them would change them.
const characters = new Intl.Segmenter();

/** What the command line itself draws. string-width needs half a millisecond for a bar, and `top` draws many of them each second. */
const ownCharacters = /^[\x20-\x7e█▏▎▍▌▋▊▉…│·↑↓]*$/;

/** Number of terminal columns of a text. Escape sequences for colours count as none. */
export const columnsOf = (text: string): number => (ownCharacters.test(text) ? text.length : stringWidth(text));

/** Cuts a text to a number of columns. A cut text ends with an ellipsis. */
export function cutTo(text: string, columns: number): string {
  if (columns <= 0) return '';
  // A message can have a megabyte, and measuring it is slow. Few characters have more than eight code units for each column.
  const part = text.slice(0, columns * 8);
  if (part.length === text.length && columnsOf(text) <= columns) return text;
  let kept = '';
  let used = 0;
  for (const { segment } of characters.segment(part)) {
    const more = columnsOf(segment);
    if (used + more > columns - 1) break;
    kept += segment;
    used += more;
  }
  return `${kept}…`;
}
