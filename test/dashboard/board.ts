import { afterEach } from 'vitest';
import type { z } from 'zod';
import { dashboard, type Dashboard, type DashboardOptions } from 'hotqueue/dashboard';
import { redisUrl } from '../support/server.js';
import { schema } from './schema.js';

const boards: Dashboard[] = [];

afterEach(async () => {
  await Promise.all(boards.splice(0).map((board) => board.close()));
});

/** A dashboard on the tests' server, closed after the test. */
export function aBoard(options: DashboardOptions = {}): Dashboard {
  const board = dashboard({ ...(!options.url && !options.connection && { url: redisUrl() }), ...options });
  boards.push(board);
  return board;
}

/** The answer to a GET, checked against its schema. */
export async function get<K extends keyof typeof schema>(
  board: Dashboard,
  path: string,
  kind: K,
): Promise<z.infer<(typeof schema)[K]>> {
  const response = await board.fetch(new Request(`http://127.0.0.1${path}`));
  const body: unknown = await response.json();
  return schema[kind].parse(body) as z.infer<(typeof schema)[K]>;
}

/** A POST as the page sends it. */
export function post(board: Dashboard, path: string, body: unknown = {}, headers: Record<string, string> = {}) {
  return board.fetch(
    new Request(`http://127.0.0.1${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'sec-fetch-site': 'same-origin', ...headers },
      body: JSON.stringify(body),
    }),
  );
}

/** A POST that must succeed. @returns what it did */
export async function act(board: Dashboard, path: string, body: unknown = {}) {
  const answer: unknown = await (await post(board, path, body)).json();
  return schema.done.parse(answer);
}

/** Status and code of a refusal, checked against its schema. */
export async function refusal(response: Response): Promise<[number, string]> {
  return [response.status, schema.refusal.parse(await response.json()).error.code];
}
