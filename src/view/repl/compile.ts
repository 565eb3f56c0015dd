import { asScript } from './script.js';
import type { Strip } from './typescript.js';

/**
 * What was typed at the prompt, as a script whose value is a promise.
 *
 * @param strip takes the types away; without it, only JavaScript may be typed
 * @throws IncompleteError when it goes on with the next line; SyntaxError
 */
export function compileLine(source: string, strip: Strip = (code) => code): string {
  const compile = (code: string): string => asScript(strip(code));
  // A person who types { a: 1 } means the object, not a block with a label in it.
  if (/^\s*\{/.test(source) && !/;\s*$/.test(source)) {
    try {
      return compile(`(${source.trim()}\n)`);
    } catch {
      // then it is a block
    }
  }
  return compile(source);
}
