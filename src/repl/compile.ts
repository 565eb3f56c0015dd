import { asScript } from './script.js';
import type { Strip } from './typescript.js';

/**
 * Compiles a typed line to a script that evaluates to a promise.
 *
 * @param strip removes the types; without it, only JavaScript can be typed
 * @throws IncompleteError if the input continues on the next line; SyntaxError
 */
export function compileLine(source: string, strip: Strip = (code) => code): string {
  const compile = (code: string): string => asScript(strip(code));
  // At a prompt, { a: 1 } means an object. JavaScript would read it as a block with a label.
  if (/^\s*\{/.test(source) && !/;\s*$/.test(source)) {
    try {
      return compile(`(${source.trim()}\n)`);
    } catch {
      // not an object, so compile it as a block
    }
  }
  return compile(source);
}
