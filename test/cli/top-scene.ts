import { IsInt, IsString } from 'class-validator';
import { setTimeout as pause } from 'node:timers/promises';
import { onTestFinished } from 'vitest';
import { Bury, HotQueue, start, worker } from 'hotqueue';
import { latch, until } from '../support/facts.js';
import { aName } from '../support/queue.js';
import { redisUrl } from '../support/server.js';
import { aTerminal, hotqueueWords, type Terminal, type TerminalOptions } from '../support/terminal.js';

class Mail {
  @IsString() to!: string;
}
class Photo {
  @IsString() path!: string;
  @IsInt() width!: number;
}

/** Three queues under a new prefix: a busy one, one with long-running messages, and one with delayed messages. */
export interface Scene {
  readonly prefix: string;
  readonly emails: HotQueue<Mail>;
  /** Two messages stay active, two are dead, ten wait. */
  readonly images: HotQueue<Photo>;
  /** Three messages are delayed, none waits. */
  readonly reports: HotQueue;
}

export async function aBusyScene(): Promise<Scene> {
  const prefix = aName();
  const here = { prefix, url: redisUrl(), logger: false } as const;
  const emails = new HotQueue('emails', { ...here, payload: Mail });
  const images = new HotQueue('images', { ...here, payload: Photo });
  const reports = new HotQueue('reports', here);
  const names = ['ada', 'grace', 'edsger', 'barbara', 'donald'];
  await emails.putAll(Array.from({ length: 5_000 }, (_, index) => ({ to: `${names[index % 5]}@example.com` })));
  await images.putAll([
    { path: 'torn-1.jpg', width: 0 },
    { path: 'torn-2.jpg', width: 0 },
    ...Array.from({ length: 12 }, (_, index) => ({ path: `holiday-${index + 1}.jpg`, width: 800 })),
  ]);
  await reports.with({ delay: '1h' }).putAll(['january', 'february', 'march']);

  const isOver = latch();
  class Postman {
    @worker(emails, { concurrency: 4 })
    async send(_mail: Mail): Promise<void> {
      await pause(100);
    }
  }
  class Studio {
    @worker(images, { concurrency: 2 })
    async resize(photo: Photo): Promise<void> {
      if (photo.width === 0) throw new Bury('not a picture');
      await isOver;
    }
  }
  const runner = start([new Postman(), new Studio()]);
  onTestFinished(async () => {
    isOver.open();
    await runner.stop();
    await Promise.all([emails, images, reports].map((queue) => queue.close()));
  });
  await until(
    () => images.counts(),
    ({ dead, active }) => dead === 2 && active === 2,
  );
  return { prefix, emails, images, reports };
}

/** Starts `hotqueue top` in a terminal, and waits for its first screen. */
export async function aTop(words: readonly string[], { env = {}, ...size }: TerminalOptions = {}): Promise<Terminal> {
  const { NO_COLOR: _no, FORCE_COLOR: _force, CI: _ci, ...own } = process.env;
  const screen = await aTerminal(hotqueueWords('top', ...words), {
    ...size,
    env: { ...own, REDIS_URL: redisUrl(), HOTQUEUE_NAME: '', ...env },
  });
  await shows(screen, /^hotqueue top/);
  return screen;
}

/** Waits until the current screen matches. @returns the screen */
export async function shows(screen: Terminal, pattern: RegExp): Promise<string> {
  try {
    return await until(
      () => screen.text,
      (text) => pattern.test(text),
      40_000,
    );
  } catch {
    throw new Error(`the screen does not show ${String(pattern)}. It shows:\n${screen.text}`);
  }
}

/** Whether the program has restored the terminal: the normal screen, the cursor and line wrapping. */
export function isRestored({ raw }: Terminal): boolean {
  return (
    [
      ['?1049h', '?1049l'],
      ['?25l', '?25h'],
      ['?7l', '?7h'],
    ] as const
  ).every(([on, off]) => raw.includes(`\x1b[${on}`) && raw.lastIndexOf(`\x1b[${off}`) > raw.lastIndexOf(`\x1b[${on}`));
}
