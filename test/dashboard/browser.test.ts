import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { Type } from 'class-transformer';
import { ArrayMinSize, IsBoolean, IsEmail, IsIn, IsInt, IsOptional, Min, ValidateNested } from 'class-validator';
import { HotQueue, start } from 'hotqueue';
import { dashboard, type Dashboard } from 'hotqueue/dashboard';
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { until } from '../support/facts.js';
import { realProgram, startRedis, type TestServer } from '../support/servers.js';
import { aScene, hostile, longName, type Scene } from './scene.js';

const executablePath = ['chromium', 'chromium-browser', 'google-chrome']
  .flatMap((name) => ['/usr/bin', '/usr/local/bin'].map((folder) => `${folder}/${name}`))
  .find((path) => existsSync(path));
if (executablePath === undefined)
  process.stderr.write('skipped: the browser tests need Chromium (apt-get install chromium), and found none\n');

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const pictures = new URL('../../docs/dashboard/', import.meta.url).pathname;
const sizes = { desktop: { width: 1280, height: 800 }, phone: { width: 390, height: 844 } } as const;

let server: TestServer;
let scene: Scene;
let board: Dashboard;
let http: Server;
let base: string;
let browser: Browser;
let context: BrowserContext | undefined;
const errors: string[] = [];

describe.skipIf(executablePath === undefined)('the dashboard in Chromium', () => {
  beforeAll(async () => {
    const buildsPage = '../../scripts/build-page.js'; // it has no types
    await import(buildsPage);
    server = await startRedis(await realProgram());
    scene = await aScene(server.url);
    board = dashboard({ url: server.url, basePath: '/board' });
    http = createServer((request, response) => void board.handle(request, response));
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
    base = `http://127.0.0.1:${(http.address() as AddressInfo).port}/board`;
    browser = await chromium.launch({ executablePath: executablePath!, args: ['--no-sandbox'] });
  });
  afterEach(async () => {
    await context?.close();
    context = undefined;
    expect(errors.splice(0)).toEqual([]);
  });
  afterAll(async () => {
    await browser?.close();
    await scene?.close();
    await board?.close();
    http?.closeAllConnections();
    http?.close();
    await server?.stop();
  });

  /** A new tab. An error of the page, a refused script or a request to another host fails the test. */
  async function open(
    hash: string,
    options: { size?: keyof typeof sizes; scheme?: 'light' | 'dark' } = {},
  ): Promise<Page> {
    context = await browser.newContext({
      viewport: sizes[options.size ?? 'desktop'],
      colorScheme: options.scheme ?? 'light',
    });
    const page = await context.newPage();
    page.on('pageerror', (error) => errors.push(error.message));
    page.on('console', (message) => {
      const text = message.text();
      if (message.type() === 'error' && !/status of (4|5)\d\d/.test(text)) errors.push(text);
    });
    page.on('request', (request) => {
      if (!request.url().startsWith(base)) errors.push(`request to ${request.url()}`);
    });
    await page.goto(`${base}/${hash}`);
    return page;
  }

  /** A tab of a dashboard of its own, served until the end of the test. */
  async function openBoard(one: Dashboard, hash: string): Promise<Page> {
    const own = createServer((request, response) => void one.handle(request, response));
    await new Promise<void>((resolve) => own.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => {
      own.closeAllConnections();
      own.close();
    });
    context = await browser.newContext({ viewport: sizes.desktop });
    const page = await context.newPage();
    await page.goto(`http://127.0.0.1:${(own.address() as AddressInfo).port}/${hash}`);
    return page;
  }

  /** A picture for the docs, if they are asked for. */
  async function picture(page: Page, name: string): Promise<void> {
    if (process.env['HOTQUEUE_UPDATE_PICTURES'] === undefined) return;
    mkdirSync(pictures, { recursive: true });
    const sharp = (await import('sharp')).default;
    const taken = await page.screenshot();
    await sharp(taken).png({ palette: true, colours: 64 }).toFile(`${pictures}${name}.png`);
  }

  const pages = (): Record<string, [hash: string, text: string]> => ({
    overview: ['#/', 'no worker takes its messages'],
    queue: ['#/queues/orders', 'Throughput'],
    past: ['#/queues/orders?range=1h', 'run p50 / p95 / p99'],
    month: ['#/queues/orders?range=30d', 'lost leases'],
    waiting: ['#/queues/images?list=waiting', 'photos/0.jpg'],
    delayed: ['#/queues/exports?list=delayed', '2026-11'],
    dead: ['#/queues/emails?list=dead', 'fetch failed'],
    letters: ['#/queues/emails?list=dead&each=1', 'fetch failed'],
    job: [`#/queues/emails/jobs/${scene.ids.failed}`, 'ECONNREFUSED'],
    workflow: [`#/queues/invoices/jobs/${scene.ids.last}/flow`, 'Workflow'],
    schedules: ['#/schedules', '0 3 * * *'],
    workers: ['#/workers', 'worker of "orders"'],
    redis: ['#/redis', 'eviction'],
  });

  /** What axe finds, if it is serious. Only of these rules, if there are any. */
  async function seriousOn(page: Page, ...rules: string[]): Promise<string[]> {
    const { violations } = await page.evaluate(
      (options) =>
        (
          globalThis as unknown as {
            axe: {
              run(
                options: object,
              ): Promise<{ violations: { id: string; impact: string; nodes: { html: string }[] }[] }>;
            };
          }
        ).axe.run(options),
      rules.length > 0 ? { runOnly: rules } : {},
    );
    return violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .map(({ id, nodes }) => `${id} ${nodes[0]!.html.slice(0, 150)}`);
  }

  it.each(['desktop', 'phone'] as const)('every page is whole and accessible on a %s', async (size) => {
    const found: string[] = [];
    for (const [name, [hash, text]] of Object.entries(pages())) {
      const page = await open(hash, { size });
      await page.getByText(text).first().waitFor();
      await page.getByText('live', { exact: true }).waitFor();
      await page.evaluate(axe);
      found.push(...(await seriousOn(page)).map((fault) => `${name}: ${fault}`));
      const tooWide = await page.evaluate('document.documentElement.scrollWidth - innerWidth');
      if (Number(tooWide) > 0) found.push(`${name} is ${String(tooWide)} px wider than the screen`);
      await page.emulateMedia({ colorScheme: 'dark' }); // other colors, and nothing else
      found.push(...(await seriousOn(page, 'color-contrast')).map((fault) => `${name}, dark: ${fault}`));
      await context!.close();
    }
    expect(found).toEqual([]);
  });

  it.skipIf(process.env['HOTQUEUE_UPDATE_PICTURES'] === undefined)('pictures for the docs', async () => {
    const all = pages();
    for (const [name, size, scheme] of [
      ['overview', 'desktop', 'light'],
      ['queue', 'desktop', 'light'],
      ['job', 'desktop', 'light'],
      ['dead', 'desktop', 'dark'],
      ['overview', 'phone', 'light'],
      ['queue', 'phone', 'dark'],
    ] as const) {
      const page = await open(all[name]![0], { size, scheme });
      await page.getByText(all[name]![1]).first().waitFor();
      await page.waitForTimeout(name === 'job' || name === 'dead' ? 1_000 : 20_000);
      await picture(page, `${name}-${size}`);
      await context!.close();
    }
  });

  it('shows what changes, without a reload', async () => {
    const page = await open('#/');
    const row = page.locator('tr', { has: page.getByRole('link', { name: 'orders', exact: true }) });
    await row.waitFor();
    const rate = async (): Promise<number> => Number((await row.locator('.trend b').textContent())!.replace(/\D/g, ''));
    await until(async () => (await rate()) > 0);
  });

  it('does not move rows while one reads, also if their problems change', async () => {
    const page = await open('#/');
    await page.getByRole('link', { name: 'images', exact: true }).waitFor();
    const order = (): Promise<string[]> => page.locator('tbody tr th > a').allTextContents();
    const before = await order();
    const queue = new HotQueue('uploads', { url: server.url, logger: false });
    await queue.pause();
    await page
      .locator('tr', { has: page.getByRole('link', { name: 'uploads', exact: true }) })
      .getByText('paused')
      .first()
      .waitFor();
    expect(await order()).toEqual(before);
    await queue.resume();
    await queue.close();
  });

  it('pauses, resumes and puts, and tells what it did', async () => {
    const page = await open('#/queues/images');
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.getByText('images is paused').waitFor();
    await page.getByRole('button', { name: 'Resume' }).click();
    await page.getByText('images takes messages again').waitFor();
    await page.getByRole('button', { name: 'Put a message' }).click();
    await page.getByRole('button', { name: 'JSON', exact: true }).click();
    await page.getByLabel('Payload (JSON)').fill('{');
    await page.getByRole('button', { name: 'Put', exact: true }).click();
    await page.getByRole('alert').getByText('the payload is not JSON').waitFor();
    await page.getByLabel('Payload (JSON)').fill('{"path":"photos/new.jpg"}');
    await page.getByLabel('Delay').fill('5h');
    await page.getByRole('button', { name: 'Put', exact: true }).click();
    await page.getByText(/^put as /).waitFor();
    const queue = new HotQueue('images', { url: server.url, logger: false });
    expect((await queue.delayed.list())[0]!.text).toBe('{"path":"photos/new.jpg"}');
    await queue.close();
  });

  it('names the number before it drops dead letters, and drops the selected ones', async () => {
    const page = await open('#/queues/emails?list=dead');
    await page.getByRole('checkbox').nth(1).check();
    await page.getByRole('button', { name: 'Drop 5 …' }).click();
    await page.getByRole('dialog').getByText('This deletes 5 dead letters of emails permanently.').waitFor();
    await page.keyboard.press('Escape');
    const queue = new HotQueue('emails', { url: server.url, logger: false });
    expect(await queue.dead.size()).toBe(24);
    await page.getByRole('button', { name: 'Drop 5 …' }).click();
    await page.getByRole('button', { name: 'Drop 5 dead letters' }).click();
    await page.getByText('dropped 5 dead letters').waitFor();
    expect(await queue.dead.size()).toBe(19);
    await queue.close();
  });

  it('runs, pauses and resumes a schedule, and quiets a worker', async () => {
    const page = await open('#/schedules');
    const card = page.getByRole('region', { name: 'schedule nightly of reports' });
    await card.getByRole('button', { name: 'Run now' }).click();
    await page.getByText('nightly has put its message').waitFor();
    await card.getByRole('button', { name: 'Pause' }).click();
    await card.getByRole('button', { name: 'Resume' }).click();
    await page.getByText('nightly goes on').waitFor();
    await page.getByRole('link', { name: 'Workers' }).click();
    const row = page.locator('tr', { hasText: 'worker of "uploads"' });
    await row.getByRole('button', { name: 'Quiet' }).click();
    await row.getByText('quiet', { exact: true }).waitFor();
  });

  it('moves, promotes and cancels delayed messages', async () => {
    const page = await open(`#/queues/exports/jobs/${scene.ids.delayed}`);
    await page.getByRole('button', { name: 'Move …' }).click();
    await page.getByLabel(/From now/).fill('3h');
    await page.getByRole('button', { name: 'Move', exact: true }).click();
    await page.getByText('it is due in 3h').waitFor();
    await page.goto(`${base}/#/queues/exports?list=delayed`);
    await page.getByRole('button', { name: 'Run now' }).first().click();
    await page.getByText(/ is waiting$/).waitFor();
    await page.getByRole('button', { name: 'Cancel' }).first().click();
    await page.getByText(/ is cancelled$/).waitFor();
    const queue = new HotQueue('exports', { url: server.url, logger: false });
    expect(await queue.counts()).toMatchObject({ delayed: 0, waiting: 2 });
    await queue.close();
  });

  it('clears a queue after a question', async () => {
    const page = await open('#/queues/exports');
    await page.getByRole('button', { name: 'Clear …' }).click();
    await page.getByRole('button', { name: /^Delete 2 messages/ }).click();
    await page.getByText('deleted 2 messages').waitFor();
  });

  it('shows hostile names and payloads as text, and runs nothing of them', async () => {
    const hashes = [
      `#/queues/${longName}`,
      `#/queues/images/jobs/${scene.ids.hostile}`,
      `#/queues/images/jobs/${scene.ids.large}`,
      `#/queues/images?list=waiting`,
      `#/queues/emails?list=dead&each=1`,
      `#/queues/${encodeURIComponent(hostile)}`,
      `#/queues/images/jobs/${encodeURIComponent(hostile)}`,
      `#/queues/images?list=waiting&search=${encodeURIComponent(hostile)}`,
      `#/${encodeURIComponent(hostile)}`,
    ];
    for (const hash of hashes) {
      const page = await open(hash);
      await page.getByText('live', { exact: true }).waitFor();
      await page.waitForLoadState('networkidle', { timeout: 1_000 }).catch(() => undefined); // its stream never ends
      for (const size of [sizes.desktop, sizes.phone]) {
        await page.setViewportSize(size);
        expect(await page.evaluate('globalThis.wasHit')).toBeUndefined();
        expect(await page.locator('main img, main script').count()).toBe(0);
        await until(
          () => page.evaluate('document.documentElement.scrollWidth - innerWidth'),
          (beyond) => Number(beyond) <= 0, // plots follow the size of the screen a moment later
        );
      }
      await context!.close();
    }
  });

  it('shows only the beginning of a payload of 1 MB, with its size', async () => {
    const page = await open(`#/queues/images/jobs/${scene.ids.large}`);
    await page.getByText('the beginning of 976.7 KiB').waitFor();
    expect((await page.getByLabel('payload').textContent())!.length).toBeLessThan(70_000);
  });

  it('is used with the keyboard alone', async () => {
    const page = await open('#/');
    await page.getByRole('link', { name: 'images', exact: true }).waitFor();
    await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement.textContent.trim()')).toBe('Skip to the content');
    await page.keyboard.press('Enter');
    expect(await page.evaluate('document.activeElement.id')).toBe('main');
    await page.getByRole('link', { name: 'images', exact: true }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'images', exact: true }).waitFor();
    await page.getByRole('button', { name: 'Put a message' }).focus();
    await page.keyboard.press('Enter');
    for (let times = 0; times < 12; times++) {
      await page.keyboard.press('Tab');
      expect(
        await page.evaluate(
          'document.activeElement === document.body || document.querySelector("dialog").contains(document.activeElement)',
        ),
      ).toBe(true);
    }
    await page.keyboard.press('Escape');
    await expect.poll(() => page.getByRole('dialog').count()).toBe(0);
  });

  it('puts by a form made from the payload class, and says which field breaks which rule', async () => {
    class Side {
      @IsInt() @Min(1) width!: number;
    }
    class Resize {
      @IsEmail() owner!: string;
      @IsIn(['png', 'jpeg']) format = 'png';
      @ValidateNested({ each: true }) @Type(() => Side) @ArrayMinSize(1) sizes!: Side[];
      @IsOptional() @IsBoolean() crop?: boolean;
    }
    const queue = new HotQueue('resize', { url: server.url, payload: Resize, logger: false });
    const got: Resize[] = [];
    const runner = start(queue.worker((resize) => void got.push(resize)));
    await using own = dashboard({ url: server.url, queues: [queue as unknown as HotQueue<never, never>] });
    const page = await openBoard(own, '#/queues/resize');
    await page.getByRole('button', { name: 'Put a message' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('The fields are those of Resize.').waitFor();
    // The browser itself refuses a number that is too small.
    await dialog.getByLabel('width required').fill('0');
    expect(
      await dialog
        .getByLabel('width required')
        .evaluate((field: { validity: { rangeUnderflow: boolean } }) => field.validity.rangeUnderflow),
    ).toBe(true);
    await dialog.getByLabel('width required').fill('800');
    await dialog.getByLabel('owner required').fill('ada@home'); // valid for the browser, not for the class
    await dialog.getByLabel('crop optional').selectOption('true');
    await page.evaluate(axe);
    expect(await seriousOn(page)).toEqual([]);
    await dialog.getByRole('button', { name: 'Put', exact: true }).click();
    await dialog.getByText('must be an email', { exact: true }).waitFor();
    expect(await dialog.getByLabel('owner required').getAttribute('aria-invalid')).toBe('true');
    await picture(page, 'put');
    expect(await queue.size()).toBe(0);
    await dialog.getByLabel('owner required').fill('ada@example.com');
    await dialog.getByRole('button', { name: 'JSON', exact: true }).click();
    expect(JSON.parse(await dialog.getByLabel('Payload (JSON)').inputValue())).toEqual({
      ...{ owner: 'ada@example.com', format: 'png', sizes: [{ width: 800 }], crop: true },
    });
    await dialog.getByRole('button', { name: 'Form', exact: true }).click();
    await dialog.getByRole('button', { name: 'Put', exact: true }).click();
    await page.getByText(/^put as /).waitFor();
    const [resize] = await until(
      () => got,
      ({ length }) => length === 1,
    );
    expect(resize).toBeInstanceOf(Resize);
    expect(resize!.sizes[0]).toEqual(Object.assign(new Side(), { width: 800 }));
    await runner.stop();
    await queue.close();
  });

  it('puts by the fields of a message, if no class is known', async () => {
    const queue = new HotQueue('exports', { url: server.url, logger: false });
    await queue.with({ delay: '8h' }).put({ month: '2026-12' });
    const page = await open('#/queues/exports', { size: 'phone' });
    await page.getByRole('button', { name: 'Put a message' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('The fields are those of a message that is on this queue').waitFor();
    await dialog.getByLabel('month').fill('2027-01');
    await picture(page, 'put-phone');
    await dialog.getByLabel('Delay').fill('9h');
    await dialog.getByRole('button', { name: 'Put', exact: true }).click();
    await page.getByText(/^put as /).waitFor();
    expect((await queue.delayed.list()).map(({ text }) => text)).toContain('{"month":"2027-01"}');
    await queue.clear();
    await queue.close();
  });

  it('offers no change to a visitor who may only read', async () => {
    await using readOnly = dashboard({ url: server.url, readOnly: true });
    const page = await openBoard(readOnly, '#/queues/images');
    await page.getByText('read-only', { exact: true }).waitFor();
    await page.getByText('Throughput').waitFor();
    expect(await page.getByRole('button').allTextContents()).toEqual(['Refresh']);
  });
});
