import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { Argument, Command, Option } from 'commander';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { bashCompletion } from '../../src/cli/completion/bash.js';
import { outlinesOf } from '../../src/cli/completion/outline.js';
import { zshCompletion } from '../../src/cli/completion/zsh.js';
import { hotqueueProgram } from '../../src/cli/program.js';
import { aName, aQueue } from '../support/queue.js';
import { hotqueue } from './hotqueue.js';

const root = new URL('../..', import.meta.url).pathname;
const folder = mkdtempSync(path.join(tmpdir(), 'hotqueue-completion-'));

beforeAll(async () => {
  const outlines = outlinesOf(await hotqueueProgram());
  writeFileSync(path.join(folder, 'hotqueue.bash'), bashCompletion(outlines));
  writeFileSync(path.join(folder, 'hotqueue.zsh'), zshCompletion(outlines));
  // Replaces the program: it writes its arguments to a file, and prints three names.
  writeFileSync(
    path.join(folder, 'hotqueue'),
    '#!/bin/sh\nprintf "%s\\n" "$*" > "$NOTE"\necho complaint >&2\nprintf "%s\\n" emails emails:late images\n',
    { mode: 0o755 },
  );
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Completions of bash for a line, from the function that the script registers. A fake program gives the names. */
async function inBash(line: string): Promise<string[]> {
  const script = `
    source "${folder}/hotqueue.bash"
    [[ "$(complete -p hotqueue)" == 'complete -F _hotqueue hotqueue' ]] || exit 9
    COMP_LINE="$LINE"; COMP_POINT=\${#LINE}
    _hotqueue hotqueue
    printf '%s\\n' "\${COMPREPLY[@]}"`;
  const env = { ...process.env, LINE: line, PATH: `${folder}:${process.env['PATH']}`, NOTE: path.join(folder, 'note') };
  const { stdout, stderr } = await promisify(execFile)('bash', ['--norc', '-c', script], { env, cwd: root });
  expect(stderr).toBe('');
  return stdout.split('\n').filter((word) => word !== '');
}

/** The same for zsh: the words that the script passes to `_describe`. Zsh would filter them by the typed text. */
async function inZsh(line: string): Promise<string[]> {
  const script = `
    compdef() { : }
    _files() { print -rl -- FILES }
    _describe() { print -rl -- "\${(@P)3}" }
    words=("\${(@s: :)LINE}"); CURRENT=\${#words}
    source "${folder}/hotqueue.zsh"
    _hotqueue`;
  const env = { ...process.env, LINE: line, PATH: `${folder}:${process.env['PATH']}`, NOTE: path.join(folder, 'note') };
  const { stdout, stderr } = await promisify(execFile)('zsh', ['-f', '-c', script], { env, cwd: root });
  expect(stderr).toBe('');
  return stdout.split('\n').filter((word) => word !== '');
}

const hasZsh = (() => {
  try {
    execFileSync('zsh', ['--version']);
    return true;
  } catch {
    return false;
  }
})();

it.each([
  ['hotqueue pe', ['peek']],
  ['hotqueue dead ', ['ls', 'show', 'revive', 'drop', 'help']],
  ['hotqueue dead re', ['revive']],
  ['hotqueue put --pri', ['--priority']],
  ['hotqueue put --priority ', ['high', 'normal', 'low']],
  ['hotqueue put emails 1 --priority h', ['high']],
  ['hotqueue peek em', ['emails', 'emails:late']],
  ['hotqueue peek emails:', ['late']], // readline keeps the text before the last colon
  ['hotqueue peek -n 3 im', ['images']],
  ['hotqueue put emails ', []], // a message can be any text
  ['hotqueue peek --url ', []],
  ['hotqueue info emails im', ['images']], // the argument may be repeated
  ['hotqueue job ', ['show', 'cancel', 'retry', 'log', 'help']],
  ['hotqueue job show em', ['emails', 'emails:late']],
  ['hotqueue jobs --status fa', ['failed']],
  ['hotqueue put emails 1 --wa', ['--wait']],
  ['hotqueue completion ', ['bash', 'zsh']],
  ['hotqueue __c', []],
])('bash completes %j to %j', async (line, words) => {
  expect(await inBash(line)).toEqual(words);
});

it('bash passes the typed options to the program, so the names come from the same Redis', async () => {
  await inBash('hotqueue --x peek --url redis://127.0.0.1:2 em');
  expect(execFileSync('cat', [path.join(folder, 'note')], { encoding: 'utf8' })).toBe(
    '__complete queues --x peek --url redis://127.0.0.1:2\n',
  );
});

it.runIf(hasZsh)('zsh completes the same, with descriptions', async () => {
  expect(await inZsh('hotqueue pe')).toEqual(
    expect.arrayContaining([expect.stringMatching(/^peek:Show the next messages/)]),
  );
  expect((await inZsh('hotqueue dead ')).map((word) => word.split(':')[0])).toEqual([
    'ls',
    'show',
    'revive',
    'drop',
    'help',
  ]);
  expect(await inZsh('hotqueue put --priority ')).toEqual(['high', 'normal', 'low']);
  expect(await inZsh('hotqueue put --pri')).toEqual(
    expect.arrayContaining([expect.stringMatching(/^--priority:taken before/)]),
  );
  expect(await inZsh('hotqueue peek em')).toEqual(['emails', 'emails\\:late', 'images']);
  expect(await inZsh('hotqueue put emails ')).toEqual([]);
  expect(await inZsh('hotqueue peek --url ')).toEqual([]);
});

it('completes files for file arguments, keeps words with quotes, and omits hidden commands and options', async () => {
  const program = new Command('hotqueue');
  program
    .command('worker')
    .description("it's: a worker")
    .argument('<files...>')
    .option('--env <file>', 'from a file')
    .action(() => {});
  program
    .command('say')
    .addArgument(new Argument('<word>').choices(["it's", 'two']))
    .addOption(new Option('--secret <x>').hideHelp());
  program.addCommand(new Command('inner'), { hidden: true });
  const outlines = outlinesOf(program);
  expect(outlines.map((outline) => outline.path)).toEqual(['', 'worker', 'say']);
  expect(outlines[1]).toMatchObject({
    arguments: ['files'],
    isVariadic: true,
    options: [{ flags: ['--env'], values: 'files' }, { flags: ['-h', '--help'] }],
  });
  const script = `${bashCompletion(outlines)}\nCOMP_LINE='hotqueue worker pack'; COMP_POINT=20; _hotqueue hotqueue; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout } = await promisify(execFile)('bash', ['--norc', '-c', script], { cwd: root });
  expect(stdout.split('\n')).toContain('package.json');
});

it('the program prints the script that is tested here, and completes the names of queues', async () => {
  const queue = aQueue({ prefix: aName(), name: 'emails' });
  await queue.put(1);
  const prefix = queue.key.replace(/:emails$/, '');
  expect((await hotqueue(['completion', 'bash'])).stdout).toBe(bashCompletion(outlinesOf(await hotqueueProgram())));
  expect(await hotqueue(['__complete', 'queues', 'peek', '--prefix', prefix, '--json', '-n'])).toEqual({
    code: 0,
    stdout: 'emails\n',
    stderr: '',
  });
  expect(await hotqueue(['__complete', 'queues', '--url', 'redis://127.0.0.1:1'])).toEqual({
    code: 0,
    stdout: '',
    stderr: '',
  });
  const wrong = await hotqueue(['completion', 'fish']);
  expect(wrong.stderr).toMatch(/Allowed choices are bash, zsh/);
  expect(wrong).toMatchObject({ code: 2, stdout: '' });
});
