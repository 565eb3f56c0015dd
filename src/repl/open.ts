import type { QueueOptions } from 'hotqueue';
import { exitSoon } from '../cli/exit.js';
import { paint } from '../cli/output.js';
import { Prompt } from './prompt.js';

/** Opens a prompt. Resolves when the user leaves it. @throws RedisUnreachableError */
export async function openPrompt(queue: string, address: QueueOptions): Promise<void> {
  setDefaultAddress(address);
  const prompt = await Prompt.open({ queue, address, welcome: welcome(queue) });
  await prompt.left;
  exitSoon(); // a timer or a server that was started at the prompt would keep the process alive
}

function welcome(queue: string): string {
  const code = (text: string): string => paint('cyan', text, process.stderr);
  return [
    `${paint('bold', 'hotqueue', process.stderr)}: q is the queue "${queue}". Try ${code("q.put('hello')")} and ${code('q.size()')}, then`,
    code('for await (const item of q.consume()) console.log(item)'),
    '.help lists all commands, Ctrl-C stops consumers and workers, Ctrl-D leaves',
  ].join('\n');
}

/** Sets `REDIS_URL`, so that a queue created at the prompt without an address uses the same Redis as `q`. */
export function setDefaultAddress({ url, host, port, db, password }: QueueOptions): void {
  if (url !== undefined) process.env['REDIS_URL'] = withDb(url, db, password);
  else if (host !== undefined || port !== undefined)
    process.env['REDIS_URL'] = withDb(`redis://${host ?? '127.0.0.1'}:${port ?? 6379}`, db, password);
}

function withDb(url: string, db: number | undefined, password: string | undefined): string {
  if (db === undefined && password === undefined) return url;
  const parsed = new URL(url);
  if (db !== undefined && parsed.protocol !== 'unix:') parsed.pathname = `/${db}`;
  if (db !== undefined && parsed.protocol === 'unix:') parsed.searchParams.set('db', String(db));
  if (password !== undefined) parsed.password = password;
  return parsed.href;
}
