import { existsSync } from 'node:fs';
import { BundledError } from './errors/base.js';

/** webpack puts its own function in place of this name. */
declare const __webpack_require__: unknown;

// The Redis scripts, the JavaScript engine and the processes of `hotqueue worker` are files of the package. A bundle contains only
// code. Without this check, the program fails later, with the name of a file that its author does not know.
// webpack copies the Redis scripts, but not the other files. In a CommonJS bundle `import.meta.url` is undefined, although its type is string.
const here = import.meta.url as string | undefined;
const isByWebpack = typeof __webpack_require__ === 'function';
if (isByWebpack || here === undefined || !existsSync(new URL('../redis/scripts/_lib.lua', here)))
  throw new BundledError();
