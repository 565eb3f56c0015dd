// Two files that our peers ship without types of their own; the types they have elsewhere. Why we need them is said
// where they are imported. Neither package has an `exports` map, within the versions our peer ranges name.
declare module 'class-transformer/cjs/storage.js' {
  export { defaultMetadataStorage } from 'class-transformer/types/storage.js';
}
declare module 'class-validator/cjs/validation/ValidationExecutor.js' {
  export { ValidationExecutor } from 'class-validator/types/validation/ValidationExecutor.js';
}
