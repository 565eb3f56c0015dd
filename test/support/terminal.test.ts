import { expect, it } from 'vitest';
import { aTerminal, keys } from './terminal.js';

it('types into a program that runs in a terminal, and reads its screen', async () => {
  const script = `
    process.stdin.setRawMode(true);
    process.stdout.write(process.stdout.columns + ' columns, \\x1b[31mred\\x1b[0m, gone\\x1b[4Dhere\\n');
    process.stdin.on('data', (key) => key[0] === 3 ? process.exit(7) : process.stdout.write('\\x1b[2J\\x1b[Hgot ' + key + '\\n'));
    process.stdout.on('resize', () => process.stdout.write('now ' + process.stdout.columns + '\\n'));`;
  const screen = await aTerminal([process.execPath, '-e', script], { cols: 40, rows: 10 });
  await screen.shows('40 columns, red, here');
  expect(screen.text).toBe('40 columns, red, here');
  screen.type('x');
  await screen.shows('got x');
  expect(screen.text).toBe('got x');
  screen.resize(60, 10);
  await screen.shows('now 60');
  screen.type(keys.ctrlC);
  expect(await screen.ended).toBe(7);
});

it('keeps scrolled rows, joins wrapped rows, and reports the screen if an expected text does not appear', async () => {
  const screen = await aTerminal(
    ['/bin/sh', '-c', 'for i in 1 2 3 4 5 6 7 8 9; do echo "line $i of a text that is too long"; done'],
    { cols: 20, rows: 4 },
  );
  await screen.shows(/line 1 of a text that is too long\nline 2[^]*line 9 of/);
  expect(screen.text.split('\n')).toHaveLength(3);
  screen.forget();
  await expect(screen.shows('line 9', 50)).rejects.toThrow(
    /does not show line 9, and its program has ended\. It shows:\nline 8|line 9/,
  );
});
