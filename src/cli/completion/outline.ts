import type { Argument, Command, Option } from 'commander';

/** Possible values of an argument or an option: names of queues, files, one of these words, or any text. */
export type Values = 'queues' | 'files' | 'anything' | readonly string[];

export interface OptionOutline {
  /** `-u` and `--url`. */
  readonly flags: readonly string[];
  readonly says: string;
  /** Absent if the option takes no value. */
  readonly values?: Values;
}

/** What a completion script needs to know of a command. */
export interface Outline {
  /** The words after the program's name, such as `dead ls`; empty for the program itself. */
  readonly path: string;
  readonly commands: readonly { readonly name: string; readonly says: string }[];
  readonly options: readonly OptionOutline[];
  readonly arguments: readonly Values[];
  /** True if the last argument can be repeated. */
  readonly isVariadic: boolean;
}

/** Outlines of the program and all its visible commands. */
export function outlinesOf(command: Command, path: readonly string[] = []): Outline[] {
  const help = command.createHelp();
  const commands = help
    .visibleCommands(command)
    .map((inner) => ({ name: inner.name(), says: inner.summary() || inner.description() }));
  const own: Outline = {
    path: path.join(' '),
    commands,
    options: help.visibleOptions(command).map(optionOf),
    arguments: command.registeredArguments.map((argument) => valuesOf(argument, argument.name())),
    isVariadic: command.registeredArguments.at(-1)?.variadic ?? false,
  };
  return [
    own,
    ...command.commands
      .filter((inner) => commands.some(({ name }) => name === inner.name()))
      .flatMap((inner) => outlinesOf(inner, [...path, inner.name()])),
  ];
}

function optionOf(option: Option): OptionOutline {
  const flags = [option.short, option.long].filter((flag) => flag !== undefined && flag !== null);
  const placeholder = /[<[]([\w-]+)/.exec(option.flags)?.[1];
  return {
    flags,
    says: option.description,
    ...(placeholder !== undefined && { values: valuesOf(option, placeholder) }),
  };
}

function valuesOf({ argChoices }: Argument | Option, name: string): Values {
  if (argChoices) return argChoices;
  if (/^queues?$/.test(name)) return 'queues';
  return /^(files?|dir|folder|path|modules?)$/.test(name) ? 'files' : 'anything';
}
