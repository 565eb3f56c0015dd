import type { ComponentChildren } from 'preact';
import { useId } from 'preact/hooks';
import type { JsonSchema, Refusal } from '../api.js';

type Violations = Refusal['error']['violations'];

/** A value of the form, and where it is in the payload: `sizes.0.width`, as the server names it in its errors. */
interface FieldProps {
  readonly label: string;
  readonly schema: JsonSchema;
  readonly path: string;
  readonly value: unknown;
  readonly isRequired: boolean;
  readonly violations: Violations;
  /** `undefined`: the field is absent. */
  readonly onChange: (value: unknown) => void;
}

const join = (path: string, name: string | number): string => (path === '' ? String(name) : `${path}.${name}`);
const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The value that a form begins with: default values, and what is required of objects. */
export function initial(schema: JsonSchema): unknown {
  if (schema.default !== undefined) return schema.default;
  if (schema.type === 'array') return Array.from({ length: schema.minItems ?? 0 }, () => initial(schema.items ?? {}));
  if (!schema.properties) return undefined;
  const fields = Object.entries(schema.properties).filter(
    ([name, one]) => one.default !== undefined || schema.required?.includes(name),
  );
  return Object.fromEntries(fields.map(([name, one]) => [name, initial(one)]));
}

/** Whether a form shows a field for a path, so that an error about it has a place. */
export function hasField(schema: JsonSchema, value: unknown, path: string): boolean {
  const [name = '', ...rest] = path.split('.');
  if (path === '') return !schema.properties;
  const below = rest.join('.');
  const inner = schema.properties?.[name] ?? (Array.isArray(value) && name in value ? schema.items : undefined);
  if (!inner) return false;
  if (rest.length === 0) return true;
  return hasField(inner, (value as Record<string, unknown> | undefined)?.[name], below);
}

/** The field of one value: an input with the constraints of the browser, a list, or a group of fields. */
export function Field(props: FieldProps) {
  const { schema } = props;
  if (schema.properties) return <Group {...props} />;
  if (schema.type === 'array' && schema.items) return <List {...props} />;
  return <Single {...props} />;
}

/** The fields of an object. */
export function Fields({ schema, path, value, violations, onChange }: Omit<FieldProps, 'label' | 'isRequired'>) {
  const fields = isRecord(value) ? value : {};
  return (
    <>
      {Object.entries(schema.properties ?? {}).map(([name, inner]) => (
        <Field
          key={name}
          label={name}
          schema={inner}
          path={join(path, name)}
          value={Object.hasOwn(fields, name) ? fields[name] : undefined}
          isRequired={schema.required?.includes(name) === true}
          violations={violations}
          onChange={(one) => {
            const { [name]: _, ...others } = fields;
            onChange(one === undefined ? others : { ...fields, [name]: one });
          }}
        />
      ))}
    </>
  );
}

/** Fields that belong together, below their name. */
function Fieldset({ children, ...props }: FieldProps & { children: ComponentChildren }) {
  return (
    <fieldset>
      <legend>
        {props.label}
        <Mark isRequired={props.isRequired} />
      </legend>
      <Errors {...props} />
      {children}
    </fieldset>
  );
}

function Group(props: FieldProps) {
  const { label, schema, value, isRequired, onChange } = props;
  return (
    <Fieldset {...props}>
      {value === undefined && !isRequired ? (
        <button type="button" onClick={() => onChange(initial(schema) ?? {})}>
          Add {label}
        </button>
      ) : (
        <>
          <Fields {...props} />
          {!isRequired && (
            <button type="button" onClick={() => onChange(undefined)}>
              Remove {label}
            </button>
          )}
        </>
      )}
    </Fieldset>
  );
}

function List(props: FieldProps) {
  const { label, schema, path, value, isRequired, violations, onChange } = props;
  const items = Array.isArray(value) ? (value as unknown[]) : [];
  const isFull = schema.maxItems !== undefined && items.length >= schema.maxItems;
  return (
    <Fieldset {...props}>
      {items.map((item, index) => (
        <div key={index} class="item">
          <Field
            label={`${label} ${index + 1}`}
            schema={schema.items ?? {}}
            path={join(path, index)}
            value={item}
            isRequired
            violations={violations}
            onChange={(one) => onChange(items.with(index, one ?? null))}
          />
          <button
            type="button"
            aria-label={`Remove ${label} ${index + 1}`}
            onClick={() => {
              const others = items.toSpliced(index, 1);
              onChange(others.length === 0 && !isRequired ? undefined : others);
            }}
          >
            Remove
          </button>
        </div>
      ))}
      <button type="button" disabled={isFull} onClick={() => onChange([...items, initial(schema.items ?? {}) ?? null])}>
        Add {label}
      </button>
    </Fieldset>
  );
}

const Mark = ({ isRequired }: { isRequired: boolean }) => (
  <span class="muted">{isRequired ? ' required' : ' optional'}</span>
);

const errorsOf = ({ path, violations }: FieldProps): Violations => violations.filter((one) => one.path === path);

function Errors({ id, ...props }: FieldProps & { id?: string }) {
  const found = errorsOf(props);
  const { description } = props.schema;
  if (found.length === 0 && description === undefined) return null;
  return (
    <span id={id} class="hint">
      {description}
      {found.map(({ message }) => (
        <span key={message} class="bad" role="alert">
          {message}
        </span>
      ))}
    </span>
  );
}

function Single(props: FieldProps) {
  const { label, isRequired } = props;
  const id = useId();
  return (
    <div class="field">
      <label for={id}>
        {label}
        <Mark isRequired={isRequired} />
      </label>
      <Input {...props} id={id} />
      <Errors {...props} id={`${id}-about`} />
    </div>
  );
}

const types: Readonly<Record<string, 'email' | 'url'>> = { email: 'email', uri: 'url' };

function Input(props: FieldProps & { id: string }) {
  const { id, schema, value, isRequired, onChange } = props;
  const { type, pattern, minimum, maximum, minLength, maxLength } = schema;
  const choices = schema.enum ?? (type === 'boolean' ? [true, false] : undefined);
  const isInvalid = errorsOf(props).length > 0;
  const about = { id, required: isRequired, 'aria-invalid': isInvalid, 'aria-describedby': `${id}-about` };
  const kind = (types[schema.format ?? ''] ?? 'text') as 'text'; // Preact has a type of its own for each
  const textIn = (event: Event): string => (event.currentTarget as HTMLInputElement).value;
  if (choices)
    return (
      <select
        {...about}
        value={value === undefined ? '' : JSON.stringify(value)}
        onChange={(event) => onChange(textIn(event) === '' ? undefined : JSON.parse(textIn(event)))}
      >
        <option value="">{isRequired ? 'choose …' : '–'}</option>
        {choices.map((choice) => (
          <option key={JSON.stringify(choice)} value={JSON.stringify(choice)}>
            {String(choice)}
          </option>
        ))}
      </select>
    );
  if (type === 'number' || type === 'integer')
    return (
      <input
        {...about}
        type="number"
        step={type === 'integer' ? 1 : 'any'}
        min={minimum}
        max={maximum}
        value={typeof value === 'number' ? value : ''}
        onInput={(event) => onChange(textIn(event) === '' ? undefined : Number(textIn(event)))}
      />
    );
  if (type === 'string' || (type === undefined && (pattern ?? minLength ?? maxLength) !== undefined))
    return (
      <input
        {...about}
        type={kind}
        // A pattern of JSON Schema may match anywhere, one of HTML must match the whole text.
        pattern={pattern === undefined ? undefined : `[^]*(?:${pattern})[^]*`}
        title={pattern === undefined ? undefined : `must match ${pattern}`}
        placeholder={schema.format === 'date-time' ? '2026-11-28T12:00:00Z' : undefined}
        minLength={minLength}
        maxLength={maxLength}
        value={typeof value === 'string' ? value : ''}
        onInput={(event) => onChange(textIn(event) === '' ? undefined : textIn(event))}
      />
    );
  return (
    <textarea
      {...about}
      rows={2}
      spellcheck={false}
      placeholder="JSON"
      defaultValue={value === undefined ? '' : JSON.stringify(value)}
      onInput={(event) => {
        const field = event.currentTarget;
        const parsed = field.value === '' ? { value: undefined } : valueIn(field.value);
        field.setCustomValidity(parsed ? '' : 'This is not JSON. A text needs quotes.');
        if (parsed) onChange(parsed.value);
      }}
    />
  );
}

/** The value of a JSON text; `undefined` if it is not JSON. */
export function valueIn(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) as unknown };
  } catch {
    return undefined;
  }
}
