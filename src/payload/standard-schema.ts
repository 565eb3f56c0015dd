/**
 * The Standard Schema interface, version 1 (https://standardschema.dev). Schemas of zod, valibot and arktype implement it.
 *
 * @example
 * const emails = new HotQueue('emails', { payload: z.object({ to: z.email() }) });
 */
export interface StandardSchemaV1<Input = unknown, Output = Input> {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}

/** The validated value, or the list of issues. */
export type SchemaResult<Output> =
  { readonly value: Output; readonly issues?: undefined } | { readonly issues: readonly SchemaIssue[] };

export interface SchemaIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** Whether a value is a schema. Check this before checking for a class: a schema may be a function, as in arktype. */
export function isStandardSchema(source: unknown): source is StandardSchemaV1 {
  if ((typeof source !== 'object' && typeof source !== 'function') || source === null) return false;
  const standard: unknown = (source as Partial<StandardSchemaV1>)['~standard'];
  return (
    typeof standard === 'object' &&
    standard !== null &&
    typeof (standard as { validate?: unknown }).validate === 'function'
  );
}
