import type { WorkerRow } from '../api.js';
import { bytes, count, duration } from './format.js';
import { post, useLoad } from './net.js';
import { to } from './route.js';
import { Act, Empty, Failed, Status, Time, useRun, useShared } from './ui.js';

export function WorkersView() {
  const { value, error } = useLoad<readonly WorkerRow[]>(['workers'], '', 2_000);
  return (
    <>
      <h1>Workers</h1>
      {error && <Failed error={error} />}
      {value && <WorkersTable workers={value} isOfQueue={false} />}
    </>
  );
}

export function WorkersTable({ workers, isOfQueue }: { workers: readonly WorkerRow[]; isOfQueue: boolean }) {
  if (workers.length === 0) return <Empty>No worker is registered.</Empty>;
  return (
    <div class="card">
      <table class="workers">
        <thead>
          <tr>
            <th scope="col">Worker</th>
            {!isOfQueue && <th scope="col">Queue</th>}
            <th scope="col">Status</th>
            <th scope="col">Runs</th>
            <th scope="col" class="right">
              Active
            </th>
            <th scope="col" class="right">
              Done
            </th>
            <th scope="col" class="right">
              Failed
            </th>
            <th scope="col" class="right">
              Memory
            </th>
            <th scope="col">Started</th>
            <th scope="col">Actions</th>
          </tr>
        </thead>
        <tbody>
          {workers.map((worker) => (
            <Row key={worker.id} worker={worker} isOfQueue={isOfQueue} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Row({ worker, isOfQueue }: { worker: WorkerRow; isOfQueue: boolean }) {
  const {
    id,
    queue,
    name,
    kind,
    host,
    pid,
    process,
    status,
    active,
    concurrency,
    activeMessages,
    done,
    failed,
    startedAt,
  } = worker;
  const { now } = useShared();
  const run = useRun();
  const order = (verb: string): void =>
    run(async () => {
      await post(['queues', queue, 'workers', id, verb]);
      return `${name}: it reads "${verb}" with its next heartbeat`;
    });
  return (
    <tr>
      <th scope="row">
        {name}
        <small>
          {process === '' ? '' : `${process}, `}
          {host}:{pid}
        </small>
      </th>
      {!isOfQueue && (
        <td data-label="Queue">
          <a href={to(['queues', queue])}>{queue}</a>
        </td>
      )}
      <td data-label="Status">
        <Status value={status} />
      </td>
      <td data-label="Runs" class="wide">
        {activeMessages.slice(0, 3).map((message) => (
          <span class="run" key={message.id}>
            <a class="id" href={to(['queues', queue, 'jobs', message.id])}>
              {message.id}
            </a>{' '}
            for {duration(now - message.since)}
          </span>
        ))}
        {activeMessages.length > 3 && <span class="muted">and {count(activeMessages.length - 3, 'more message')}</span>}
      </td>
      <td class="right" data-label="Active">
        {active} / {concurrency}
      </td>
      <td class="right" data-label="Done">
        {done.toLocaleString('en')}
      </td>
      <td class="right" data-label="Failed">
        {failed.toLocaleString('en')}
      </td>
      <td class="right" data-label="Memory">
        {worker.memoryBytes === 0 ? <span class="zero">–</span> : bytes(worker.memoryBytes)}
      </td>
      <td data-label="Started">
        <Time at={startedAt} />
      </td>
      <td class="buttons">
        {kind === 'handler' && status !== 'stopping' && (
          <>
            <Act
              label={status === 'quiet' ? 'Resume' : 'Quiet'}
              onClick={() => order(status === 'quiet' ? 'resume' : 'quiet')}
            />
            <Act
              label="Stop"
              isDangerous
              onClick={() => order('stop')}
              title="ends the whole process group of handlers that was started with it"
            />
          </>
        )}
      </td>
    </tr>
  );
}
