import { useState } from 'preact/hooks';
import type { JsonSchema, PutForm } from '../api.js';
import { Field, Fields, hasField, initial, valueIn } from './fields.js';
import { pretty } from './format.js';
import { post, Refused, useLoad } from './net.js';
import { Dialog, Empty, useShared } from './ui.js';

interface PutProps {
  readonly name: string;
  /** The payload that the form begins with, as JSON. */
  readonly payload?: string;
  readonly onClose: () => void;
}

/** Puts a message: a form with the rules of its payload class, or JSON. A wrong payload says which rule it breaks. */
export function PutDialog(props: PutProps) {
  const { value, error } = useLoad<PutForm>(['queues', props.name, 'form']);
  const form = value ?? (error === undefined ? undefined : { from: null, name: null, schema: null });
  return (
    <Dialog title={`Put a message on ${props.name}`} onClose={props.onClose}>
      {form ? <Put {...props} form={form} /> : <Empty>Reading its fields …</Empty>}
    </Dialog>
  );
}

const about = ({ from, name }: PutForm): string => {
  const check =
    name === null ? 'The server checks only that the payload is JSON.' : `The server checks the payload by its rules.`;
  if (from === 'class') return `The fields are those of ${name}. ${check}`;
  if (from === 'message')
    return `The fields are those of a message that is on this queue: there may be others. ${check}`;
  return `The fields of this queue are not known: write JSON. ${check}`;
};

function Put({ name, payload, onClose, form }: PutProps & { form: PutForm }) {
  const { notify } = useShared();
  const { schema } = form;
  const given = payload === undefined ? { value: schema ? initial(schema) : {} } : valueIn(payload);
  const [value, setValue] = useState(given?.value);
  const [text, setText] = useState(payload === undefined ? pretty(JSON.stringify(value ?? {})) : pretty(payload));
  const [isJson, setJson] = useState(!schema || !given);
  const [error, setError] = useState<Refused['error'] | undefined>();
  const violations = error?.violations ?? [];

  const toJson = (): void => {
    setText(pretty(JSON.stringify(value ?? null)));
    setJson(true);
  };
  const toForm = (): void => {
    const parsed = valueIn(text);
    if (!parsed)
      return setError({ code: '', message: 'This is not JSON: mend it, then go to the form.', violations: [] });
    setError(undefined);
    setValue(parsed.value);
    setJson(false);
  };
  const submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    const element = event.currentTarget as HTMLFormElement;
    const { attempts = '', ...options } = Object.fromEntries(new FormData(element)) as Record<string, string>;
    try {
      const { id } = await post(['queues', name, 'messages'], {
        ...options,
        payload: isJson ? text : JSON.stringify(value ?? null),
        ...(attempts !== '' && { attempts: Number(attempts) }),
      });
      notify(id ? `put as ${id}` : 'put');
      onClose();
    } catch (thrown) {
      setError(thrown instanceof Refused ? thrown.error : { code: '', message: String(thrown), violations: [] });
      requestAnimationFrame(() => element.querySelector<HTMLElement>('[aria-invalid=true], [role=alert]')?.focus());
    }
  };
  return (
    <form onSubmit={(event) => void submit(event)}>
      <p class="muted">{about(form)}</p>
      {schema && (
        <div class="switch" role="group" aria-label="Write the payload as">
          <button type="button" aria-pressed={!isJson} onClick={() => isJson && toForm()}>
            Form
          </button>
          <button type="button" aria-pressed={isJson} onClick={() => !isJson && toJson()}>
            JSON
          </button>
        </div>
      )}
      {schema && !isJson ? (
        <Payload schema={schema} value={value} violations={violations} onChange={setValue} />
      ) : (
        <label>
          Payload (JSON)
          <textarea
            rows={8}
            spellcheck={false}
            required
            value={text}
            aria-invalid={error !== undefined}
            onInput={(event) => setText(event.currentTarget.value)}
          />
        </label>
      )}
      {error && (
        <div class="notice bad" role="alert" tabIndex={-1}>
          {error.message}
          <Others violations={violations.filter(({ path }) => isJson || !schema || !hasField(schema, value, path))} />
        </div>
      )}
      <Options />
      <div class="buttons">
        <button type="button" onClick={onClose}>
          Cancel
        </button>
        <button type="submit" class="main">
          Put
        </button>
      </div>
    </form>
  );
}

interface PayloadProps {
  readonly schema: JsonSchema;
  readonly value: unknown;
  readonly violations: Refused['error']['violations'];
  readonly onChange: (value: unknown) => void;
}

function Payload(props: PayloadProps) {
  if (props.schema.properties) return <Fields {...props} path="" />;
  return <Field {...props} label="Payload" path="" isRequired />;
}

/** Errors that belong to no field of the form. */
function Others({ violations }: Pick<PayloadProps, 'violations'>) {
  if (violations.length === 0) return null;
  return (
    <ul>
      {violations.map(({ path, message }) => (
        <li key={path + message}>
          <code>{path}</code> {message}
        </li>
      ))}
    </ul>
  );
}

function Options() {
  return (
    <div class="fields">
      <label>
        Delay
        <input name="delay" placeholder="10m" />
      </label>
      <label>
        Priority
        <select name="priority">
          <option value="">of the queue</option>
          <option>high</option>
          <option>normal</option>
          <option>low</option>
        </select>
      </label>
      <label>
        Attempts
        <input name="attempts" type="number" min={1} placeholder="of the queue" />
      </label>
    </div>
  );
}
