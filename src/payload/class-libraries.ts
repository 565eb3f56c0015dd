import { createRequire } from 'node:module';
import type * as ClassTransformer from 'class-transformer';
import type * as TransformerStorage from 'class-transformer/cjs/storage.js';
import type * as ClassValidator from 'class-validator';
import type * as Execution from 'class-validator/cjs/validation/ValidationExecutor.js';
import { InvalidOptionError } from '../core/errors.js';

// Only payload classes need these libraries, and loading them takes longer than loading the rest of this one. A queue checks
// its payload class in its constructor, so they are loaded by `require`: `import()` could not answer at once. Both load the
// same copy, because the libraries are CommonJS.
const require = createRequire(import.meta.url);

/** class-validator, loaded at the first call. */
export const classValidator = loading<typeof ClassValidator>('class-validator');

/** class-transformer, loaded at the first call. */
export const classTransformer = loading<typeof ClassTransformer>('class-transformer');

/**
 * The metadata of `@Type`, `@Expose` and `@Exclude`, loaded at the first call. It has no public API. We need it to refuse
 * unknown keys before class-transformer spends time on them.
 */
export const transformerStorage = (): typeof TransformerStorage.defaultMetadataStorage =>
  storage().defaultMetadataStorage;
const storage = loading<typeof TransformerStorage>('class-transformer/cjs/storage.js');

/**
 * The class that `validate` and `validateSync` use, loaded at the first call. `validate` is always asynchronous.
 * `validateSync` ignores asynchronous rules, and takes a promise of a rule that is not marked as asynchronous for "valid".
 * The executor reports which rules were asynchronous.
 */
export const validationExecutor = loading<typeof Execution>('class-validator/cjs/validation/ValidationExecutor.js');

function loading<M>(name: string): () => M {
  let loaded: M | undefined;
  return () => (loaded ??= load<M>(name));
}

/** @throws InvalidOptionError if the library is not installed, or if a bundler has moved this file away from it */
function load<M>(name: string): M {
  try {
    return require(name) as M;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND') throw cause;
    throw new InvalidOptionError(
      'payload',
      `cannot load ${name.split('/')[0]}, which payload classes need: run "npm install class-validator class-transformer". ` +
        'If a bundler made this file, mark hotqueue, class-validator and class-transformer as external',
    );
  }
}
