import { Command, Option } from 'commander';
import { redisOptions, usage, wholeFrom, withExamples } from '../command.js';
import type { DashboardFlags } from './serve.js';

/** `dashboard`: a web page with queues, messages, workers and schedules. */
export function dashboardCommand(): Command {
  const command = withExamples(
    new Command('dashboard').description(
      'Serve a web page that shows queues, messages, workers and schedules, and changes them, until Ctrl-C. Only this machine reaches it, unless --host says otherwise.',
    ),
    [
      ['dashboard', 'at http://127.0.0.1:8081'],
      ['dashboard --open --read-only', 'open it in the browser; it changes nothing'],
      [
        'dashboard --host 0.0.0.0 --user ada --allow-host queues.example.com',
        'for other machines, with the password in HOTQUEUE_DASHBOARD_PASSWORD',
      ],
    ],
  )
    .argument('[queue...]', 'names of queues (default: all queues)')
    .addOption(new Option('-p, --port <port>', 'port of the page').argParser(wholeFrom(0, 65_535)).default(8081))
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--allow-host <name...>', 'names in the address bar of browsers, besides the one in --host')
    .option('--user <name>', 'user that a browser must send')
    .addOption(
      new Option('--password <password>', 'password that a browser must send; other users can read a command line').env(
        'HOTQUEUE_DASHBOARD_PASSWORD',
      ),
    )
    .option('--insecure', 'allow another address than loopback without a login')
    .option('--read-only', 'refuse every change')
    .option(
      '--redact <field...>',
      'hide these fields of payloads: names such as password, or paths such as card.number',
    )
    .option('--base-path <path>', 'path below which a proxy shows the page, such as /queues', '')
    .option('--open', 'open the page in the browser');
  for (const option of redisOptions().filter(({ long }) => ['--url', '--db', '--prefix'].includes(long!)))
    command.addOption(option);
  return command.action(async (names: string[], flags: DashboardFlags) => {
    const { refusalOf, serve } = await import('./serve.js');
    const refusal = refusalOf(flags);
    if (refusal !== undefined) usage(command, refusal);
    await serve(names, flags);
  });
}
