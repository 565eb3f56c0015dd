// The API reference: `npm run docs:api` writes docs/api from the docstrings. `npm run lint:api` fails on a public export or
// member without a docstring, on a link to nothing, and on a public type that index.ts does not export.

/** Their names say all: they are called by the language or by `console.log`, or a specification defines them. */
const calledByName = [
  'HotQueue.[asyncDispose]',
  'HotQueue.[custom]',
  'Delivery.[custom]',
  'Consumer.[asyncIterator]',
  'StandardSchemaV1.~standard',
  'StandardSchemaV1.~standard.__type.version',
  'StandardSchemaV1.~standard.__type.vendor',
  'StandardSchemaV1.~standard.__type.validate',
  'StandardSchemaV1.~standard.__type.types',
  'StandardSchemaV1.~standard.__type.types.__type.input',
  'StandardSchemaV1.~standard.__type.types.__type.output',
].map((name) => `index.${name}`); // the module of src/index.ts

/** Types that make the errors of the compiler readable, or that a reader sees expanded where they are used. */
const notExported = [
  'EitherDecoratorFor',
  'Checked',
  'LingerOf',
  'Declaring',
  'DecoratorFor',
  'Fits',
  'FitsBatch',
  'Instance',
  'MethodContext',
  'NeedsPayload',
  'PutArguments',
  'SchemaResult',
  'Unneeded',
  'SettleVerb',
];

/** @type {Partial<import('typedoc').TypeDocOptions> & Partial<import('typedoc-plugin-markdown').PluginOptions>} */
export default {
  entryPoints: ['src/index.ts', 'src/dashboard/index.ts', 'src/otel/index.ts', 'src/prometheus/index.ts'],
  tsconfig: 'tsconfig.build.json',
  plugin: ['typedoc-plugin-markdown'],
  router: 'member', // one page for each export
  out: 'docs/api',
  readme: 'none',
  excludePrivate: true,
  excludeInternal: true,
  excludeExternals: true,
  disableSources: true,
  requiredToBeDocumented: [
    'Enum',
    'EnumMember',
    'Variable',
    'Function',
    'Class',
    'Interface',
    'Property',
    'Method',
    'Accessor',
    'TypeAlias',
  ],
  intentionallyNotDocumented: calledByName,
  intentionallyNotExported: notExported,
  validation: { notExported: true, invalidLink: true, notDocumented: true },
  treatValidationWarningsAsErrors: true,
};
