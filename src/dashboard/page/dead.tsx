import { useState } from 'preact/hooks';
import type { DeadGroup, DeadGroups } from '../api.js';
import { count } from './format.js';
import { post, useLoad } from './net.js';
import { to } from './route.js';
import { Act, Empty, Failed, Time, useShared } from './ui.js';

const nameOf = ({ reason, error, message }: DeadGroup): string => [reason, error, message].filter(Boolean).join(' ');

/** Dead letters grouped by reason and error. Groups are selected, then revived or dropped together. */
export function DeadGroupsView({ name, total }: { name: string; total: number }) {
  const { value, error, reload } = useLoad<DeadGroups>(['queues', name, 'dead']);
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const { ask, isReadOnly } = useShared();
  const groups = value?.groups ?? [];
  const chosen = groups.filter((group) => selected.has(nameOf(group)));
  const keys = chosen.flatMap((group) => group.keys).slice(0, 2_000);
  const toggle = (group: DeadGroup): void => {
    const next = new Set(selected);
    if (!next.delete(nameOf(group))) next.add(nameOf(group));
    setSelected(next);
  };
  const change = (verb: 'revive' | 'drop', body: object, size: number): void =>
    ask({
      title: verb === 'revive' ? 'Revive dead letters?' : 'Drop dead letters?',
      text:
        verb === 'revive'
          ? `${count(size, 'message')} of ${name} go back into the queue, and workers handle them again.`
          : `This deletes ${count(size, 'dead letter')} of ${name} permanently.`,
      button: verb === 'revive' ? `Revive ${count(size, 'message')}` : `Drop ${count(size, 'dead letter')}`,
      isDangerous: verb === 'drop',
      run: async () => {
        const done = await post(['queues', name, 'dead', verb], body);
        setSelected(new Set());
        reload();
        return `${verb === 'revive' ? 'revived' : 'dropped'} ${count(done.count, 'dead letter')}`;
      },
    });
  if (error) return <Failed error={error} />;
  if (!value) return <Empty>Reading the dead letters …</Empty>;
  if (groups.length === 0) return <Empty>No dead letter.</Empty>;
  const isSome = keys.length > 0;
  const body = isSome ? { keys } : { all: true };
  const size = isSome ? keys.length : Math.max(total, value.total);
  return (
    <section aria-label="Dead letters by reason">
      <div class="bar">
        <span class="grow muted">
          {value.read < value.total
            ? `grouped: the newest ${count(value.read, 'dead letter')} of ${value.total.toLocaleString('en')}`
            : count(value.total, 'dead letter')}
        </span>
        <a href={to(['queues', name], { list: 'dead', each: '1' })}>list each of them</a>
        <button type="button" onClick={reload}>
          Refresh
        </button>
        <Act label={isSome ? `Revive ${keys.length} …` : 'Revive all …'} onClick={() => change('revive', body, size)} />
        <Act
          label={isSome ? `Drop ${keys.length} …` : 'Drop all …'}
          isDangerous
          onClick={() => change('drop', body, size)}
        />
      </div>
      <ul class="card groups">
        {groups.map((group) => (
          <li key={nameOf(group)}>
            {!isReadOnly && (
              <input
                type="checkbox"
                aria-label={`select: ${nameOf(group).slice(0, 200)}`}
                checked={selected.has(nameOf(group))}
                onChange={() => toggle(group)}
              />
            )}
            <b class="bad">{group.count.toLocaleString('en')}</b>
            <div>
              <p>{group.reason}</p>
              {group.error !== null && (
                <p class="error">
                  <b>{group.error}</b> {group.message}
                </p>
              )}
              <p class="muted">
                newest <Time at={group.newestAt} />
                {' · '}
                <a href={to(['queues', name, 'jobs', group.keys[0]!])}>show the newest</a>
              </p>
            </div>
          </li>
        ))}
      </ul>
    </section>
  );
}
