import type { Command, Help } from 'commander';
import { examplesOf, exitCodes, redisOptions } from '../src/view/cli/command.js';
import { hotqueueProgram } from '../src/view/cli/program.js';

/** The pages of docs/cli by file name: one for each command, from the definitions that `--help` prints, and one that lists them. */
export function cliPages(program: Command = hotqueueProgram()): Map<string, string> {
  const help = program.createHelp();
  const commands = help.visibleCommands(program).filter((command) => command.name() !== 'help');
  return new Map([['README.md', indexPage(program, commands)], ...commands.map((command) => [`${command.name()}.md`, commandPage(command, help)] as const)]);
}

const made = '<!-- Made by "npm run docs:cli" from the definitions in src/view/cli. -->';

const meanings: Record<keyof typeof exitCodes, string> = {
  done: 'done',
  failed: 'it could not be done; one sentence on stderr says why',
  usage: 'an option or argument that does not exist, or has no such value; nothing was done',
  nothing: 'what was asked for is not there: an empty queue, an unknown id',
};

function indexPage(program: Command, commands: readonly Command[]): string {
  const codes = Object.entries(exitCodes).map(([name, code]) => [String(code), meanings[name as keyof typeof exitCodes]]);
  return page([
    '# The command line',
    `${program.description()} Each command explains itself: \`hotqueue <command> --help\`.`,
    table(['command', ''], commands.map((command) => [`[\`${command.name()}\`](${command.name()}.md)`, command.description()])),
    '## Which Redis',
    'As in programs: what these options name, or `REDIS_URL`, or a Redis at 127.0.0.1:6379, or this project\'s own, which is started when it is needed.',
    table(['option', ''], redisOptions().map((option) => [`\`${option.flags}\``, option.description])),
    '## What it prints, and how it ends',
    'Results go to stdout, words for people to stderr. `--json` prints JSON alone: one value, or a line for each in a stream. `NO_COLOR` is heeded, and there are no colours or bars where nobody looks. No message can send control characters to the terminal.',
    table(['exit code', ''], codes),
  ]);
}

function commandPage(command: Command, help: Help): string {
  const inner = help.visibleCommands(command).filter((one) => one.name() !== 'help');
  const title = `# hotqueue ${command.name()}`;
  if (inner.length === 0) return page([title, ...sections(command, help)]);
  return page([title, ...sections(command, help), ...inner.flatMap((one) => [`## hotqueue ${command.name()} ${one.name()}`, ...sections(one, help)])]);
}

function sections(command: Command, help: Help): string[] {
  const redisFlags = new Set(redisOptions().map(({ flags }) => flags));
  const options = help.visibleOptions(command).filter(({ flags }) => !redisFlags.has(flags));
  const hasRedis = command.options.some(({ flags }) => redisFlags.has(flags));
  const given = help.visibleArguments(command);
  const examples = examplesOf(command).map(([line, what]) => `hotqueue ${line}   # ${what}`);
  return [
    help.commandDescription(command),
    fenced([help.commandUsage(command)]),
    ...(given.length > 0 ? [table(['argument', ''], given.map((one) => [`\`${one.name()}\``, help.argumentDescription(one)]))] : []),
    ...(command.commands.length === 0 ? [table(['option', ''], options.map((one) => [`\`${help.optionTerm(one)}\``, help.optionDescription(one)]))] : []),
    ...(hasRedis ? ['Also [which Redis](README.md#which-redis).'] : []),
    ...(examples.length > 0 ? [fenced(examples)] : []),
  ];
}

const page = (parts: readonly string[]): string => `${[made, ...parts].join('\n\n')}\n`;
const fenced = (lines: readonly string[]): string => ['```sh', ...lines, '```'].join('\n');

function table(heading: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(heading), `|${'---|'.repeat(heading.length)}`, ...rows.map(line)].join('\n');
}
