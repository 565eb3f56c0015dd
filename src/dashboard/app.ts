import { Hono, type Context } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { readFileSync } from 'node:fs';
import { readFlow } from '../inspect/flow.js';
import { changeDead, jobActions, orderWorker, put, queueActions, scheduleActions, type Body } from './actions.js';
import type { FlowView, Info, QueueDetail, Refusal } from './api.js';
import { asset, page } from './assets.js';
import { deadGroups } from './dead.js';
import { putForm } from './form.js';
import { guards, withSafeHeaders, type Env } from './guard.js';
import { jobView, payloadText } from './job.js';
import { live } from './live.js';
import { metricsView, ranges } from './metrics.js';
import { listMessages, states, type State } from './messages.js';
import { redisView } from './redis.js';
import { RefusedRequest, refusalOf, statusOf } from './refusals.js';
import { schedulesOf } from './schedules.js';
import type { Sources, TextQueue } from './sources.js';

/** Bytes of a request: a payload of the default `maxBytes` of a queue, as JSON in JSON. */
const mostBodyBytes = 4_194_304;
/** Queues whose schedules are read for one answer. */
const mostQueues = 500;

/** The routes of the dashboard. `src/dashboard/api.ts` has the types of the answers. */
export function app(sources: Sources): Hono<Env> {
  const { options, poller } = sources;
  const hono = new Hono<Env>({ strict: false });
  hono.onError((error, c) => {
    if ('getResponse' in error) return (error as { getResponse(): Response }).getResponse(); // a wrong login
    const status = statusOf(error);
    if (status === 500) process.emitWarning(error);
    return c.json({ error: refusalOf(error) } satisfies Refusal, status);
  });
  hono.notFound((c) => c.json({ error: refusalOf(unknownPath(c)) } satisfies Refusal, 404));
  hono.use(withSafeHeaders, ...guards(options), bodyLimit({ maxSize: mostBodyBytes, onError: refuseLarge }));

  hono.get('/', (c) => {
    const html = page(options.basePath);
    if (html === undefined) throw new RefusedRequest(503, 'NOT_BUILT', 'the page is not built: run "npm run build"');
    return c.html(html);
  });
  hono.get('/assets/:file', (c) => {
    const found = asset(c.req.param('file'));
    if (!found) throw unknownPath(c);
    c.header('cache-control', 'public, max-age=31536000, immutable'); // their names change with their content
    return c.body(new Uint8Array(found.body), 200, { 'content-type': found.type });
  });

  const api = hono.basePath('/api');
  api.get('/info', (c) =>
    c.json({
      ...{ version: version(), isReadOnly: c.get('isReadOnly'), redis: poller.redis },
      prefix: options.address.prefix ?? 'hotqueue',
    } satisfies Info),
  );
  api.get('/live', (c) => live(c, poller, c.req.query('queue')));
  api.get('/overview', async (c) => c.json(await poller.overview()));
  api.get('/workers', async (c) => c.json(await poller.workers()));
  api.get('/redis', async (c) => c.json(await redisView(sources)));
  api.get('/schedules', async (c) => {
    const { queues } = await poller.overview();
    const rows = await Promise.all(
      queues.slice(0, mostQueues).map(({ name }) => schedulesOf(sources, sources.open(name))),
    );
    return c.json(rows.flat());
  });

  reads(api, sources);
  changes(api, sources);
  return hono;
}

function reads(api: Hono<Env>, sources: Sources): void {
  const queueIn = (c: Context<Env>): Promise<TextQueue> => sources.queue(c.req.param('queue') ?? '');
  api.get('/queues/:queue', async (c) => {
    const queue = await queueIn(c);
    const [found, jobs] = await Promise.all([sources.poller.queue(queue.name), queue.jobs.counts()]);
    if (!found) throw new RefusedRequest(404, 'NO_QUEUE', `there is no queue with the name "${queue.name}" any more`);
    return c.json({ ...found, jobs } satisfies QueueDetail);
  });
  api.get('/queues/:queue/metrics/:range', async (c) => {
    const name = c.req.param('range');
    if (!Object.hasOwn(ranges, name)) throw unknownPath(c);
    return c.json(await metricsView(await queueIn(c), ranges[name]!));
  });
  api.get('/queues/:queue/messages/:state', async (c) => {
    const state = c.req.param('state') as State;
    if (!states.includes(state)) throw unknownPath(c);
    const { search = '', from = '', limit = '25' } = c.req.query();
    const most = Number(limit);
    if (!Number.isInteger(most) || most < 1 || most > 100 || search.length > 1_000)
      throw new RefusedRequest(
        400,
        'INVALID_PAGE',
        'expected a limit from 1 to 100, and a search of at most 1,000 letters',
      );
    return c.json(await listMessages(sources, await queueIn(c), state, { search, from, limit: most }));
  });
  api.get('/queues/:queue/jobs/:id', async (c) => c.json(await jobView(sources, await queueIn(c), c.req.param('id'))));
  api.get('/queues/:queue/jobs/:id/payload', async (c) => {
    const text = await payloadText(sources, await queueIn(c), c.req.param('id'));
    // A download as plain text: a browser must never show a message as a page.
    return c.body(text, 200, {
      'content-type': 'text/plain; charset=utf-8',
      'content-disposition': 'attachment; filename="payload.json"',
    });
  });
  api.get('/queues/:queue/jobs/:id/flow', async (c) => {
    const queue = await queueIn(c);
    const nodes = await readFlow(queue.name, c.req.param('id'), sources.options.address);
    const { names } = sources.options;
    const shown = nodes.filter((node) => names.length === 0 || names.includes(node.queue));
    return c.json({ nodes: shown.map(({ status = 'gone', ...node }) => ({ ...node, status })) } satisfies FlowView);
  });
  api.get('/queues/:queue/form', async (c) => c.json(await putForm(sources, await queueIn(c))));
  api.get('/queues/:queue/dead', async (c) => c.json(await deadGroups(sources, await queueIn(c))));
  api.get('/queues/:queue/schedules', async (c) => c.json(await schedulesOf(sources, await queueIn(c))));
}

function changes(api: Hono<Env>, sources: Sources): void {
  /** Runs an action on the queue of the path, then reads the queue again for all who look at it. */
  const change = (path: string, act: (queue: TextQueue, c: Context<Env>, body: Body) => Promise<object>): void => {
    api.post(`/queues/:queue${path}`, async (c) => {
      const queue = await sources.queue(c.req.param('queue'));
      const answer = await act(queue, c, await bodyOf(c));
      await sources.poller.readNow(queue.name);
      return c.json(answer);
    });
  };
  const verbIn = <T extends object>(c: Context<Env>, verbs: T): T[keyof T] => {
    const verb = c.req.param('verb') ?? '';
    if (!Object.hasOwn(verbs, verb)) throw unknownPath(c);
    return verbs[verb as keyof T];
  };
  const param = (c: Context<Env>, name: string): string => c.req.param(name) ?? '';
  change('/messages', (queue, _, body) => put(sources, queue, body));
  change('/dead/:verb', (queue, c, body) => {
    const verbs = { revive: 'revive', drop: 'drop' } as const;
    return changeDead(queue, verbIn(c, verbs), body);
  });
  change('/jobs/:id/:verb', (queue, c, body) => verbIn(c, jobActions)(queue, param(c, 'id'), body));
  change('/schedules/:name/:verb', (queue, c) => verbIn(c, scheduleActions)(queue, param(c, 'name')));
  change('/workers/:id/:verb', (queue, c) => {
    const verbs = { quiet: 'quiet', resume: 'resume', stop: 'stop' } as const;
    return orderWorker(queue, verbIn(c, verbs), param(c, 'id'));
  });
  change('/:verb', (queue, c, body) => verbIn(c, queueActions)(queue, body));
}

async function bodyOf(c: Context<Env>): Promise<Body> {
  const text = await c.req.text();
  try {
    const body: unknown = JSON.parse(text || '{}');
    if (typeof body === 'object' && body !== null && !Array.isArray(body)) return body as Body;
  } catch {
    // the sentence below
  }
  throw new RefusedRequest(400, 'INVALID_BODY', 'invalid body: expected a JSON object');
}

/** A body is read only up to the limit, also if it does not say its length. */
function refuseLarge(): never {
  throw new RefusedRequest(400, 'BODY_TOO_LARGE', `the body is too large: expected at most ${mostBodyBytes} bytes`);
}

const unknownPath = (c: Context): RefusedRequest =>
  new RefusedRequest(404, 'UNKNOWN_PATH', `unknown path "${c.req.path.slice(0, 200)}"`);

let known: string | undefined;
function version(): string {
  const read = (): string => readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (known ??= (JSON.parse(read()) as { version: string }).version);
}
