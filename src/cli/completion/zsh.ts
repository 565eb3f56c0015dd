import type { Outline, Values } from './outline.js';

/** A completion script for zsh 5, with a description of each word. */
export function zshCompletion(outlines: readonly Outline[]): string {
  return `#compdef hotqueue
# hotqueue completion for zsh. In ~/.zshrc, after compinit:  source <(hotqueue completion zsh)
_hotqueue() {
  local -a typed described options
  local at='' takes='' kind='' word
  integer place=0
  typed=("\${(@)words[2,CURRENT-1]}")

  # Find the position on the line: which command, which of its arguments, or the value of an option.
  for word in "\${(@)typed}"; do
    if [[ -n "$takes" ]]; then takes=''; continue; fi
    case "$at:$word" in
${outlines.flatMap(valueOptionsOf).join('\n')}
      *:-*) ;;
${outlines.flatMap(commandsOf).join('\n')}
      *) (( place += 1 )) ;;
    esac
  done

  case "$at" in
${outlines.map(caseOf).join('\n')}
  esac
  if [[ -n "$takes" ]]; then
    kind="$takes"; described=(\${=takes:#@*})
  elif [[ "\${words[CURRENT]}" == -* ]]; then
    kind=''; described=("\${(@)options}")
  fi
  case "$kind" in
    @queues) described=("\${(@f)$("\${words[1]}" __complete queues "\${(@)typed}" 2> /dev/null)}"); described=("\${(@)\${(@)described//\\:/\\\\:}:#}") ;;
    @files) _files; return ;;
    @anything) return ;;
  esac
  (( \${#described} )) && _describe -- hotqueue described
}
if [[ "\${funcstack[1]}" == _hotqueue ]]; then _hotqueue "$@"; else compdef _hotqueue hotqueue; fi
`;
}

/** Options that take the next word as their value. */
function valueOptionsOf({ path, options }: Outline): string[] {
  return options.flatMap(({ flags, values }) => {
    if (values === undefined) return [];
    return [
      `      ${flags.map((flag) => quoted(`${path}:${flag}`)).join('|')}) takes=${quoted(wordsOf(values) || '@anything')} ;;`,
    ];
  });
}

function commandsOf({ path, commands }: Outline): string[] {
  return commands.map(
    ({ name }) =>
      `      ${quoted(`${path}:${name}`)}) at=${quoted(path === '' ? name : `${path} ${name}`)}; place=0 ;;`,
  );
}

function caseOf({ path, commands, options, arguments: places, isVariadic }: Outline): string {
  const flags = options.flatMap((option) => option.flags.map((flag) => described(flag, option.says)));
  const lines = [`    ${quoted(path)})`, `      options=(${flags.join(' ')})`];
  if (commands.length > 0)
    lines.push(`      described=(${commands.map(({ name, says }) => described(name, says)).join(' ')})`);
  const values = places.map((place, index) => {
    const isLast = index === places.length - 1;
    return `${isLast && isVariadic ? '*' : index}) ${valuesFor(place)} ;;`;
  });
  if (commands.length === 0 && values.length > 0) lines.push(`      case "$place" in ${values.join(' ')} esac`);
  return [...lines, '      ;;'].join('\n');
}

const valuesFor = (values: Values): string =>
  typeof values === 'string' ? `kind='@${values}'` : `described=(${values.map(quoted).join(' ')})`;

function wordsOf(values: Values): string {
  if (values === 'anything') return '';
  return typeof values === 'string' ? `@${values}` : values.join(' ');
}

/** `name:description`. zsh splits it at the first colon. */
const described = (name: string, says: string): string => quoted(`${name.replaceAll(':', '\\:')}:${says}`);

/** A shell word in single quotes: nothing between them is special. */
const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
