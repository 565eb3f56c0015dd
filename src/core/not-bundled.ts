import { existsSync } from 'node:fs';
import { BundledError } from './errors/base.js';

// Scripts of Redis, the JavaScript engine and the processes of `hotqueue worker` are files beside the files of this library.
// A bundle has only code, so a program would fail later, with the name of a file that its author has never seen.
// CommonJS bundles have no `import.meta.url`, whatever its type says.
const here = import.meta.url as string | undefined;
if (here === undefined || !existsSync(new URL('../redis/scripts/_lib.lua', here))) throw new BundledError();
