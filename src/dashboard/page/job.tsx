import { useState } from 'preact/hooks';
import type { AttemptView, ErrorView, JobAction, JobView } from '../api.js';
import { count, exact, quoted } from './format.js';
import { payloadUrl, post, useLoad } from './net.js';
import { PutDialog } from './put.js';
import { to } from './route.js';
import { Act, Block, Copy, Dialog, Empty, Failed, Status, Time, useRun, useShared } from './ui.js';

const ended = ['done', 'failed', 'cancelled', 'expired', 'dead'];

export function JobPage({ queue, id }: { queue: string; id: string }) {
  const [isOver, setOver] = useState(false);
  const { value: job, error, reload } = useLoad<JobView>(['queues', queue, 'jobs', id], '', isOver ? undefined : 2_000);
  if (job && ended.includes(job.status) !== isOver) setOver(!isOver);
  if (!job) return error ? <Failed error={error} /> : <Empty>Reading message {id} …</Empty>;
  return (
    <article>
      <header class="head">
        <div>
          <p class="crumbs">
            <a href={to(['queues', queue])}>{queue}</a>
          </p>
          <h1 class="id">{id}</h1>
          <p class="problems">
            <Status value={job.status} />
            {job.position !== null && <span class="muted">{count(job.position, 'message')} before it</span>}
            {!job.isTracked && <span class="muted">not tracked: put it with the option track to keep a record</span>}
          </p>
        </div>
        <Actions job={job} onChange={reload} />
      </header>
      <div class="columns">
        <div>
          <h2>Payload</h2>
          <Block shown={job.payload} href={job.payload?.isCut ? payloadUrl(queue, id) : undefined!} label="payload" />
          {job.result && (
            <>
              <h2>Result</h2>
              <Block shown={job.result} label="result" />
            </>
          )}
          {job.progress && (
            <>
              <h2>Progress</h2>
              <Block shown={job.progress} label="progress" />
            </>
          )}
          <h2>Attempts</h2>
          <Attempts job={job} />
          {job.log.length > 0 && (
            <>
              <h2>Log</h2>
              {job.lines > job.log.length && (
                <p class="muted">
                  the last {job.log.length} of {count(job.lines, 'line')}
                </p>
              )}
              <pre class="log" tabIndex={0} aria-label="log">
                {job.log.join('\n')}
              </pre>
            </>
          )}
        </div>
        <Facts job={job} />
      </div>
    </article>
  );
}

function Facts({ job }: { job: JobView }) {
  const times: [string, number | null][] = [
    ['put', job.putAt],
    ['due', job.dueAt],
    ['started', job.startedAt],
    ['ended', job.endedAt],
    ['buried', job.dead?.buriedAt ?? null],
    ['record expires', job.expiresAt],
  ];
  const texts: [string, string | null][] = [
    ['queue', job.queue],
    ['attempts', String(job.attempts)],
    ['worker', job.worker],
    ['put by', job.putBy],
    ['unique key', job.unique],
    ['reason', job.dead?.reason ?? null],
  ];
  return (
    <aside class="card facts" aria-label="Facts">
      <dl>
        {times.map(
          ([name, at]) =>
            at !== null && (
              <div key={name}>
                <dt>{name}</dt>
                <dd>
                  <Time at={at} />
                  <small>{exact(at)}</small>
                </dd>
              </div>
            ),
        )}
        {texts.map(
          ([name, text]) =>
            text !== null &&
            text !== '' && (
              <div key={name}>
                <dt>{name}</dt>
                <dd>{text}</dd>
              </div>
            ),
        )}
      </dl>
      {job.isTracked && <a href={to(['queues', job.queue, 'jobs', job.id, 'flow'])}>Workflow of this job</a>}
    </aside>
  );
}

function Attempts({ job }: { job: JobView }) {
  if (job.failures.length === 0)
    return (
      <p class="muted">{job.attempts === 0 ? 'none yet' : `${count(job.attempts, 'attempt')}, none has failed`}</p>
    );
  return (
    <ol class="attempts">
      {job.failures.map((failure, index) => (
        <Attempt key={index} failure={failure} isLast={index === job.failures.length - 1} />
      ))}
    </ol>
  );
}

function Attempt({ failure: { attempt, at, error }, isLast }: { failure: AttemptView; isLast: boolean }) {
  return (
    <li class="card">
      <p class="muted">
        {attempt === null ? 'worker died' : `attempt ${attempt}`} · <Time at={at} />
      </p>
      <ErrorBlock error={error} isOpen={isLast} />
    </li>
  );
}

/** An error with its stack and its causes. */
function ErrorBlock({ error, isOpen }: { error: ErrorView; isOpen: boolean }) {
  return (
    <div class="error">
      <p>
        <b>{error.name}</b> {error.message} {error.code !== null && <code>{error.code}</code>}
      </p>
      {error.violations.length > 0 && (
        <ul>
          {error.violations.map(({ path, message }) => (
            <li key={path + message}>
              <code>{path}</code> {message}
            </li>
          ))}
        </ul>
      )}
      {error.stack !== null && (
        <details open={isOpen}>
          <summary>Stack</summary>
          <pre tabIndex={0} aria-label="stack">
            {error.stack}
          </pre>
        </details>
      )}
      {[error.cause, ...error.errors].map(
        (cause, index) =>
          cause && (
            <div class="cause" key={index}>
              <p class="muted">{index === 0 ? 'caused by' : 'and'}</p>
              <ErrorBlock error={cause} isOpen={false} />
            </div>
          ),
      )}
    </div>
  );
}

const buttons: Readonly<Record<Exclude<JobAction, 'move'>, { label: string; says: string; isDangerous: boolean }>> = {
  promote: { label: 'Run now', says: 'it is waiting now', isDangerous: false },
  revive: { label: 'Revive', says: 'it is back in the queue', isDangerous: false },
  cancel: { label: 'Cancel', says: 'it is cancelled', isDangerous: true },
  drop: { label: 'Drop …', says: 'it is deleted', isDangerous: true },
};

function Actions({ job, onChange }: { job: JobView; onChange: () => void }) {
  const { ask } = useShared();
  const run = useRun(onChange);
  const [open, setOpen] = useState<'move' | 'put' | undefined>();
  const { queue, id } = job;
  const act = async (action: Exclude<JobAction, 'move'>): Promise<string> => {
    await post([
      'queues',
      queue,
      'jobs',
      action === 'revive' || action === 'drop' ? (job.dead?.key ?? id) : id,
      action,
    ]);
    return buttons[action].says;
  };
  const drop = (): void =>
    ask({
      title: 'Drop this dead letter?',
      text: `This deletes 1 dead letter of ${queue} permanently.`,
      button: 'Drop 1 dead letter',
      isDangerous: true,
      run: async () => {
        const text = await act('drop');
        onChange();
        return text;
      },
    });
  const command =
    job.payload && !job.payload.isCut
      ? `hotqueue put ${queue} ${quoted(job.payload.text)}`
      : `hotqueue job ${quoted(queue)} ${quoted(id)}`;
  return (
    <div class="buttons">
      {job.actions.map((action) =>
        action === 'move' ? (
          <Act key={action} label="Move …" onClick={() => setOpen('move')} />
        ) : (
          <Act
            key={action}
            label={buttons[action].label}
            isDangerous={buttons[action].isDangerous}
            onClick={() => (action === 'drop' ? drop() : run(() => act(action)))}
          />
        ),
      )}
      {job.payload && !job.payload.isCut && <Act label="Put a copy …" onClick={() => setOpen('put')} />}
      <Copy text={command} label="Copy as command" />
      {open === 'put' && <PutDialog name={queue} payload={job.payload!.text} onClose={() => setOpen(undefined)} />}
      {open === 'move' && <MoveDialog job={job} onClose={() => setOpen(undefined)} onDone={onChange} />}
    </div>
  );
}

function MoveDialog({ job, onClose, onDone }: { job: JobView; onClose: () => void; onDone: () => void }) {
  const run = useRun(onDone);
  const move = (event: SubmitEvent): void => {
    event.preventDefault();
    const { delay = '' } = Object.fromEntries(new FormData(event.currentTarget as HTMLFormElement)) as Record<
      string,
      string
    >;
    run(async () => {
      await post(['queues', job.queue, 'jobs', job.id, 'move'], { delay });
      return `it is due in ${delay}`;
    });
    onClose();
  };
  return (
    <Dialog title="When is it due?" onClose={onClose}>
      <form onSubmit={move}>
        <label>
          From now, such as 90s, 10m or 2h
          <input name="delay" required placeholder="10m" />
        </label>
        <div class="buttons">
          <button type="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" class="main">
            Move
          </button>
        </div>
      </form>
    </Dialog>
  );
}
