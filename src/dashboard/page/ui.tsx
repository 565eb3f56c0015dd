import type { ComponentChildren } from 'preact';
import { createContext } from 'preact';
import { useContext, useEffect, useRef, useState } from 'preact/hooks';
import type { ShownText } from '../api.js';
import { bytes, exact, pretty, relative } from './format.js';

/** What all views need: the time, whether changes are allowed, and ways to notify and to ask. */
export interface Shared {
  readonly now: number;
  readonly isReadOnly: boolean;
  /** Shows a sentence for a few seconds. */
  readonly notify: (text: string, isError?: boolean) => void;
  /** Asks before an action, then runs it and shows what it did. */
  readonly ask: (question: Question) => void;
}

export interface Question {
  readonly title: string;
  readonly text: string;
  readonly button: string;
  readonly isDangerous?: boolean;
  readonly run: () => Promise<string>;
}

export const SharedContext = createContext<Shared | undefined>(undefined);
export const useShared = (): Shared => useContext(SharedContext)!;

/** A relative time, with the exact one on hover. */
export function Time({ at }: { at: number | null }) {
  const { now } = useShared();
  if (at === null) return <span class="muted">–</span>;
  return (
    <time dateTime={exact(at)} title={exact(at)}>
      {relative(at, now)}
    </time>
  );
}

const tones: Readonly<Record<string, string>> = {
  ...{ done: 'good', ok: 'good', working: 'good' },
  ...{ running: 'busy', active: 'busy', waiting: 'plain', delayed: 'plain', cancelled: 'plain' },
  ...{ retrying: 'warn', paused: 'warn', warning: 'warn', quiet: 'warn', stopping: 'warn', expired: 'warn' },
  ...{ dead: 'bad', failed: 'bad', problem: 'bad' },
};

export function Status({ value }: { value: string }) {
  return <span class={`status ${tones[value] ?? 'plain'}`}>{value}</span>;
}

/** A button that changes something: absent if this visitor may only read. */
export function Act({
  label,
  onClick,
  isDangerous = false,
  isMain = false,
  isDisabled = false,
  title,
}: {
  label: string;
  onClick: () => void;
  isDangerous?: boolean;
  isMain?: boolean;
  isDisabled?: boolean;
  title?: string;
}) {
  if (useShared().isReadOnly) return null;
  const kind = isDangerous ? 'danger' : isMain ? 'main' : '';
  return (
    <button type="button" class={kind} onClick={onClick} disabled={isDisabled} title={title}>
      {label}
    </button>
  );
}

/** Runs an action at once, and shows how it went. */
export function useRun(onDone?: () => void): (work: () => Promise<string>) => void {
  const { notify } = useShared();
  return (work) =>
    void work()
      .then((text) => {
        notify(text);
        onDone?.();
      })
      .catch((error: Error) => notify(error.message, true));
}

export function Copy({ text, label }: { text: string; label: string }) {
  const { notify } = useShared();
  const copy = (): void =>
    void navigator.clipboard
      ?.writeText(text)
      .then(() => notify('copied'))
      .catch(() => notify('the browser does not allow to copy here', true));
  return (
    <button type="button" class="quiet" onClick={copy} title={text}>
      {label}
    </button>
  );
}

/** A payload in one line of a list. Always text, never HTML. */
export function Line({ shown }: { shown: ShownText | null }) {
  if (!shown) return <span class="muted">–</span>;
  if (shown.hidden !== null) return <span class="muted">hidden ({bytes(shown.size)})</span>;
  return (
    <code class="line" title={shown.isCut ? `the beginning of ${bytes(shown.size)}` : undefined}>
      {shown.text.slice(0, 240)}
      {shown.isCut || shown.text.length > 240 ? '…' : ''}
    </code>
  );
}

/** A payload as a block, with its size. */
export function Block({ shown, href, label }: { shown: ShownText | null; href?: string; label: string }) {
  if (!shown) return <p class="muted">none</p>;
  if (shown.hidden !== null)
    return (
      <p class="muted">
        hidden: {shown.hidden} ({bytes(shown.size)})
      </p>
    );
  return (
    <figure class="block">
      <pre tabIndex={0} aria-label={label}>
        {shown.isCut ? shown.text : pretty(shown.text)}
      </pre>
      {(shown.isCut || href !== undefined) && (
        <figcaption>
          {shown.isCut ? `the beginning of ${bytes(shown.size)}` : bytes(shown.size)}
          {href !== undefined && (
            <>
              {' · '}
              <a href={href} download>
                download all of it
              </a>
            </>
          )}
        </figcaption>
      )}
    </figure>
  );
}

/** A dialog of the browser: it keeps the focus inside, and Escape closes it. */
export function Dialog({
  title,
  onClose,
  children,
}: {
  title: string;
  onClose: () => void;
  children: ComponentChildren;
}) {
  const ref = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const dialog = ref.current!;
    if (!dialog.open) dialog.showModal();
    return () => dialog.close();
  }, []);
  return (
    <dialog ref={ref} onClose={onClose} aria-labelledby="dialog-title">
      <h2 id="dialog-title">{title}</h2>
      {children}
    </dialog>
  );
}

export function Ask({ question, onClose }: { question: Question; onClose: () => void }) {
  const { notify } = useShared();
  const [isRunning, setRunning] = useState(false);
  const run = (): void => {
    setRunning(true);
    question
      .run()
      .then((text) => notify(text))
      .catch((error: Error) => notify(error.message, true))
      .finally(onClose);
  };
  return (
    <Dialog title={question.title} onClose={onClose}>
      <p>{question.text}</p>
      <div class="buttons">
        <button type="button" onClick={onClose}>
          Cancel
        </button>
        <button type="button" class={question.isDangerous ? 'danger' : 'main'} disabled={isRunning} onClick={run}>
          {question.button}
        </button>
      </div>
    </Dialog>
  );
}

export function Failed({ error }: { error: string }) {
  return (
    <p class="notice bad" role="alert">
      {error}
    </p>
  );
}

export function Empty({ children }: { children: ComponentChildren }) {
  return <p class="empty">{children}</p>;
}
