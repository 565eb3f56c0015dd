import { render } from 'preact';
import { useCallback, useEffect, useState } from 'preact/hooks';
import type { Info } from '../api.js';
import { exact, relative } from './format.js';
import { JobPage } from './job.js';
import { useLive, useLoad, useNow, type Live } from './net.js';
import { Overview } from './overview.js';
import { QueueView } from './queue.js';
import { to, useRoute, type Route } from './route.js';
import './styles/base.css';
import './styles/frame.css';
import './styles/parts.css';
import './styles/tables.css';
import './styles/pages.css';
import { Ask, SharedContext, type Question, type Shared } from './ui.js';
import { FlowPage, RedisPage, SchedulesView } from './views.js';
import { WorkersView } from './workers.js';

const noticeMs = 6_000;

function App() {
  const route = useRoute();
  const [section, queue, jobs] = route.path;
  const isQueuePage = section === 'queues' && queue !== undefined && jobs === undefined;
  const live = useLive(isQueuePage ? queue : undefined);
  const { value: info } = useLoad<Info>(['info']);
  const now = useNow();
  const [notice, setNotice] = useState<{ text: string; isError: boolean } | undefined>();
  const [question, ask] = useState<Question | undefined>();
  const notify = useCallback((text: string, isError = false) => setNotice({ text, isError }), []);
  useEffect(() => {
    if (!notice) return undefined;
    const timer = setTimeout(() => setNotice(undefined), noticeMs);
    return () => clearTimeout(timer);
  }, [notice]);
  useEffect(() => {
    document.title = [...route.path].reverse().concat('hotqueue').join(' · ');
  }, [route]);
  // Until it is known whether changes are allowed, none is offered.
  const shared: Shared = { now, isReadOnly: info?.isReadOnly ?? true, notify, ask };
  return (
    <SharedContext.Provider value={shared}>
      <a
        class="skip"
        href="#main"
        onClick={(event) => {
          event.preventDefault();
          document.getElementById('main')!.focus();
        }}
      >
        Skip to the content
      </a>
      <header class="top">
        <a class="brand" href="#/">
          <svg viewBox="0 0 32 32" width="20" height="20" aria-hidden="true">
            <rect width="32" height="32" rx="7" />
            <path d="M8 10h16M8 16h16M8 22h9" />
          </svg>
          hotqueue
        </a>
        <nav aria-label="Pages">
          {[
            ['', 'Queues'],
            ['schedules', 'Schedules'],
            ['workers', 'Workers'],
            ['redis', 'Redis'],
          ].map(([path = '', label]) => (
            <a key={path} href={to(path === '' ? [] : [path])} aria-current={isHere(route, path) ? 'page' : undefined}>
              {label}
            </a>
          ))}
        </nav>
        <span class="grow" />
        {info?.isReadOnly === true && <span class="status plain">read-only</span>}
        <Connection live={live} />
      </header>
      <Outage live={live} now={now} />
      <main id="main" tabIndex={-1}>
        <View route={route} live={live} />
      </main>
      <footer class="muted">{info && `hotqueue ${info.version} · prefix ${info.prefix}`}</footer>
      <div class="notices" role="status" aria-live="polite">
        {notice && <p class={`notice ${notice.isError ? 'bad' : 'good'}`}>{notice.text}</p>}
      </div>
      {question && <Ask question={question} onClose={() => ask(undefined)} />}
    </SharedContext.Provider>
  );
}

const isHere = ({ path: [section = 'queues'] }: Route, path: string): boolean =>
  section === (path === '' ? 'queues' : path);

function Connection({ live: { isConnected, redis } }: { live: Live }) {
  const [tone, text] = !isConnected
    ? ['bad', 'disconnected']
    : redis.isUp
      ? ['good', 'live']
      : ['bad', 'Redis is away'];
  return <span class={`status ${tone}`}>{text}</span>;
}

/** What is wrong while nothing new comes. What is shown stays. */
function Outage({ live: { isConnected, redis }, now }: { live: Live; now: number }) {
  if (isConnected && redis.isUp) return null;
  return (
    <div class="outage" role="alert">
      {isConnected ? (
        <>
          <b>Redis does not answer</b>
          {redis.downSince !== null && (
            <span title={exact(redis.downSince)}>, {relative(redis.downSince, now)} for the first time</span>
          )}
          . {redis.error} The dashboard tries again every second, and goes on by itself.
        </>
      ) : (
        <>
          <b>The server of the dashboard does not answer.</b> The page connects again by itself. What you see is from
          before.
        </>
      )}
    </div>
  );
}

function View({ route, live }: { route: Route; live: Live }) {
  const [section, name, jobs, id, flow] = route.path;
  if (section === undefined) return <Overview live={live} route={route} />;
  if (section === 'schedules') return <SchedulesView />;
  if (section === 'workers') return <WorkersView />;
  if (section === 'redis') return <RedisPage />;
  if (section === 'queues' && name !== undefined) {
    if (jobs === undefined) return <QueueView key={name} name={name} live={live} route={route} />;
    if (jobs === 'jobs' && id !== undefined && flow === 'flow') return <FlowPage key={id} queue={name} id={id} />;
    if (jobs === 'jobs' && id !== undefined) return <JobPage key={id} queue={name} id={id} />;
  }
  return (
    <p class="empty">
      There is no such page. <a href="#/">All queues</a>
    </p>
  );
}

render(<App />, document.getElementById('app')!);
