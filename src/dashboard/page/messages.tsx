import { useEffect, useRef, useState } from 'preact/hooks';
import type { MessagePage, MessageRow } from '../api.js';
import { count, number } from './format.js';
import { post, useLoad } from './net.js';
import { replace, to, type Route } from './route.js';
import { Act, Empty, Failed, Line, Time, useRun } from './ui.js';

const atTitles: Readonly<Record<string, string>> = {
  ...{ put: 'Put', due: 'Due', buried: 'Buried', started: 'Started', ended: 'Ended' },
};

/** A list of messages with a search and pages. It changes only when one asks for it: nothing moves while one reads. */
export function Messages({
  name,
  list,
  route,
  total,
}: {
  name: string;
  list: string;
  route: Route;
  total: number | undefined;
}) {
  const [search, from] = [route.query.get('search') ?? '', route.query.get('from') ?? ''];
  const query = `?${new URLSearchParams({ search, from })}`;
  const { value, error, isLoading, reload } = useLoad<MessagePage>(['queues', name, 'messages', list], query);
  const loadedTotal = useRef(total);
  useEffect(() => {
    loadedTotal.current = total;
  }, [value]);
  const hasChanged = total !== undefined && loadedTotal.current !== undefined && total !== loadedTotal.current;
  const each = list === 'dead' ? { each: '1' } : {};
  const link = (change: Record<string, string>): string => to(['queues', name], { list, ...each, search, ...change });
  return (
    <section aria-label={`${list} messages`} aria-busy={isLoading}>
      <div class="bar">
        <Search key={list} value={search} onSearch={(text) => replace(link({ search: text, from: '' }))} />
        {list === 'dead' && <a href={to(['queues', name], { list })}>grouped by reason</a>}
        <button type="button" onClick={reload}>
          {hasChanged ? 'Refresh: the list has changed' : 'Refresh'}
        </button>
      </div>
      {error && <Failed error={error} />}
      {value && value.messages.length > 0 && (
        <div class="card">
          <table class="messages">
            <thead>
              <tr>
                <th scope="col">Id</th>
                <th scope="col">
                  {list === 'active' || list === 'running'
                    ? 'Worker'
                    : list === 'dead' || list === 'failed'
                      ? 'Reason'
                      : 'Payload'}
                </th>
                <th scope="col">{atTitles[value.atMeans]}</th>
                <th scope="col" class="right">
                  Failed attempts
                </th>
                {list === 'delayed' && <th scope="col">Actions</th>}
              </tr>
            </thead>
            <tbody>
              {value.messages.map((message, index) => (
                <Row key={message.id || index} name={name} list={list} message={message} onChange={reload} />
              ))}
            </tbody>
          </table>
        </div>
      )}
      {value?.messages.length === 0 && (
        <Empty>
          {search === '' ? `No message is ${list}.` : `Nothing found in ${count(value.searched ?? 0, 'message')}.`}
        </Empty>
      )}
      <div class="pager">
        {from !== '' && <a href={link({ from: '' })}>First page</a>}
        {value !== undefined && value.searched !== null && (
          <span class="muted">searched {number(value.searched)} messages</span>
        )}
        {value !== undefined && value.next !== null && (
          <a href={link({ from: value.next })}>{search === '' ? 'Next page' : 'Search on'}</a>
        )}
      </div>
    </section>
  );
}

function Search({ value, onSearch }: { value: string; onSearch: (text: string) => void }) {
  const [text, setText] = useState(value);
  return (
    <form
      class="grow"
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        onSearch(text);
      }}
    >
      <label class="grow">
        <span class="hidden">Search in ids and payloads</span>
        <input
          type="search"
          placeholder="Search in ids and payloads, then Enter"
          value={text}
          onInput={(event) => {
            setText(event.currentTarget.value);
            if (event.currentTarget.value === '') onSearch('');
          }}
        />
      </label>
    </form>
  );
}

function Row({
  name,
  list,
  message,
  onChange,
}: {
  name: string;
  list: string;
  message: MessageRow;
  onChange: () => void;
}) {
  const { id, at, attempts, payload, error, worker } = message;
  const run = useRun(onChange);
  const act = (verb: string, says: string): void =>
    run(async () => {
      await post(['queues', name, 'jobs', id, verb]);
      return says;
    });
  return (
    <tr>
      <th scope="row" data-label="Id">
        {id === '' ? (
          <span class="muted">no id</span>
        ) : (
          <a class="id" href={to(['queues', name, 'jobs', id])}>
            {id}
          </a>
        )}
      </th>
      <td data-label="" class="wide">
        {error !== null && <span class="bad">{error}</span>}
        {worker !== null && (list === 'active' || list === 'running') && <span>{worker}</span>}
        {payload && <Line shown={payload} />}
      </td>
      <td data-label={list}>
        <Time at={at} />
      </td>
      <td class="right" data-label="Failed attempts">
        <span class={attempts === 0 ? 'zero' : ''}>{attempts}</span>
      </td>
      {list === 'delayed' && (
        <td class="buttons">
          <Act label="Run now" onClick={() => act('promote', `${id} is waiting`)} />
          <Act label="Cancel" isDangerous onClick={() => act('cancel', `${id} is cancelled`)} />
        </td>
      )}
    </tr>
  );
}
