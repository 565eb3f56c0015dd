import { useState } from 'preact/hooks';
import { post, Refused } from './net.js';
import { Dialog, useShared } from './ui.js';

/** Puts a message: JSON, and the options that one needs most. A wrong payload says which rule it breaks. */
export function PutDialog({ name, payload = '{}', onClose }: { name: string; payload?: string; onClose: () => void }) {
  const { tell } = useShared();
  const [error, setError] = useState<Refused['error'] | undefined>();
  const submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    const fields = Object.fromEntries(new FormData(event.currentTarget as HTMLFormElement)) as Record<string, string>;
    const { attempts = '', ...texts } = fields;
    try {
      const { id } = await post(['queues', name, 'messages'], {
        ...texts,
        ...(attempts !== '' && { attempts: Number(attempts) }),
      });
      tell(id ? `put as ${id}` : 'put');
      onClose();
    } catch (thrown) {
      setError(thrown instanceof Refused ? thrown.error : { code: '', message: String(thrown), violations: [] });
    }
  };
  return (
    <Dialog title={`Put a message on ${name}`} onClose={onClose}>
      <form onSubmit={(event) => void submit(event)}>
        <label>
          Payload (JSON)
          <textarea
            name="payload"
            rows={8}
            spellcheck={false}
            required
            defaultValue={payload}
            aria-invalid={error !== undefined}
          />
        </label>
        {error && (
          <div class="notice bad" role="alert">
            {error.message}
            {error.violations.length > 0 && (
              <ul>
                {error.violations.map(({ path, message }) => (
                  <li key={path + message}>
                    <code>{path}</code> {message}
                  </li>
                ))}
              </ul>
            )}
          </div>
        )}
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
        <div class="buttons">
          <button type="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" class="main">
            Put
          </button>
        </div>
      </form>
    </Dialog>
  );
}
