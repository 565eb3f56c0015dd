import type { Outline, Values } from './outline.js';

/**
 * A completion script for bash. It does not need the package bash-completion.
 *
 * It reads the typed words from `COMP_LINE`: bash itself splits words at colons, and queue names may contain colons.
 */
export function bashCompletion(outlines: readonly Outline[]): string {
  return `# hotqueue completion for bash. In ~/.bashrc:  source <(hotqueue completion bash)
_hotqueue() {
  local line="\${COMP_LINE:0:COMP_POINT}" words=() current path='' place=0 takes='' word
  read -r -a words <<< "$line"
  if [[ "$line" == *[[:space:]] ]]; then current=''; else current="\${words[\${#words[@]}-1]}"; unset "words[\${#words[@]}-1]"; fi

  # Find the position on the line: which command, which of its arguments, or the value of an option.
  for word in "\${words[@]:1}"; do
    if [[ -n "$takes" ]]; then takes=''; continue; fi
    case "$path:$word" in
${outlines.flatMap(valueOptionsOf).join('\n')}
      *:-*) ;;
${outlines.flatMap(commandsOf).join('\n')}
      *) place=$((place + 1)) ;;
    esac
  done

  local values='' options=''
  case "$path" in
${outlines.map(caseOf).join('\n')}
  esac
  if [[ "$current" == --*=* ]]; then takes=''; values=''; options=''; fi
  [[ -n "$takes" ]] && values="$takes"
  [[ -z "$takes" && "$current" == -* ]] && values="$options"
  case "$values" in
    @queues) values="$("$1" __complete queues "\${words[@]:1}" 2> /dev/null)" ;;
    @anything) return ;;
    @files) compopt -o filenames 2> /dev/null; COMPREPLY=($(compgen -f -- "$current")); return ;;
  esac
  COMPREPLY=($(compgen -W "$values" -- "$current"))

  # Readline replaces only the text after the last colon.
  if [[ "$current" == *:* && "$COMP_WORDBREAKS" == *:* ]]; then
    local before="\${current%"\${current##*:}"}" index
    for index in "\${!COMPREPLY[@]}"; do COMPREPLY[index]="\${COMPREPLY[index]#"$before"}"; done
  fi
}
complete -F _hotqueue hotqueue
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
      `      ${quoted(`${path}:${name}`)}) path=${quoted(path === '' ? name : `${path} ${name}`)}; place=0 ;;`,
  );
}

function caseOf({ path, commands, options, arguments: places, isVariadic }: Outline): string {
  const flags = options.flatMap((option) => option.flags).join(' ');
  if (commands.length > 0)
    return `    ${quoted(path)}) values=${quoted(commands.map(({ name }) => name).join(' '))}; options=${quoted(flags)} ;;`;
  const values = places.map((place, index) => {
    const isLast = index === places.length - 1;
    return `${isLast && isVariadic ? '*' : index}) values=${quoted(wordsOf(place))} ;;`;
  });
  const choose = values.length === 0 ? '' : `; case "$place" in ${values.join(' ')} esac`;
  return `    ${quoted(path)}) options=${quoted(flags)}${choose} ;;`;
}

function wordsOf(values: Values): string {
  if (values === 'anything') return '';
  return typeof values === 'string' ? `@${values}` : values.join(' ');
}

/** A shell word in single quotes: nothing between them is special. */
const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
