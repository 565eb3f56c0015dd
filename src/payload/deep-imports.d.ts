// Types for two files of our peer dependencies, which ship the types under another path. The importing files say why they
// are needed. In the versions of our peer ranges, neither package has an `exports` map, which would forbid the import.
declare module 'class-transformer/cjs/storage.js' {
  export { defaultMetadataStorage } from 'class-transformer/types/storage.js';
}
declare module 'class-validator/cjs/validation/ValidationExecutor.js' {
  export { ValidationExecutor } from 'class-validator/types/validation/ValidationExecutor.js';
}
