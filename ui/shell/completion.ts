/**
 * Completion scripts for bash, zsh and fish, made from the table of commands.
 *
 * A script finds out which command stands on the line, and offers that command's commands, flags and
 * arguments. Names of users it asks the program for, which asks the running peer.
 *
 * @module
 */

import { completeName, type Shell } from "./names.ts";
import { type CommandEntry, everyCommand, type FlagEntry, type Kind } from "./table.ts";

/** A word in single quotes, which hold for all three shells except for what {@linkcode fishWord} does. */
function shellWord(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** A word in single quotes of fish, where a backslash is special in them. */
function fishWord(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}

/** Where a command stands on the line, as the scripts keep it: `""`, `" account"`, `" account export"`. */
function placeOf(path: readonly string[]): string {
  return path.map((name) => ` ${name}`).join("");
}

/** The spellings of all flags that take a value, wherever they stand: the word after one is no command. */
function namesWithValue(program: CommandEntry): string[] {
  const flags = everyCommand(program).flatMap(({ command }) => command.flags);
  return [...new Set(flags.flatMap(({ kind, names }) => kind === undefined ? [] : names))];
}

/** One row for each flag with a value: the places where it is taken, by pattern, and what it takes. */
function valueRows(program: CommandEntry): { pattern: string; kind: Kind }[] {
  return everyCommand(program).flatMap(({ path, command }) =>
    command.flags.flatMap(({ kind, names }) =>
      kind === undefined ? [] : names.map((name) => ({
        // A flag of the program is taken after every command.
        pattern: path.length === 0
          ? `*${shellWord(`:${name}`)}`
          : shellWord(`${placeOf(path)}:${name}`),
        kind,
      }))
    )
  );
}

/** What completes a value, in the words of the functions that the scripts for bash and zsh define. */
function offer(kind: Kind | undefined): string {
  if (kind === undefined || kind === "other") return ":";
  if (typeof kind === "string") return `_camellia_${kind}s`;
  return `_camellia_words ${kind.map(shellWord).join(" ")}`;
}

/** The lines that bash and zsh share: where the word stands that is to be completed, and what fits there. */
function bourneCases(program: CommandEntry): { place: string; value: string; word: string } {
  const everywhere = program.flags.flatMap(({ names }) => names);
  const places = everyCommand(program).filter(({ path }) => path.length > 0)
    .map(({ path }) => shellWord(placeOf(path)));
  const words = everyCommand(program).map(({ path, command }) => {
    const flags = path.length === 0 ? [] : command.flags.flatMap(({ names }) => names);
    const all = [...new Set([...flags, ...everywhere])].map(shellWord).join(" ");
    const below = command.commands.map(({ name }) => shellWord(name)).join(" ");
    const plain = below === "" ? offer(command.arguments[0]?.kind) : `_camellia_words ${below}`;
    return `    ${shellWord(placeOf(path))})
      if [[ "$cur" == -* ]]; then _camellia_words ${all}; else ${plain}; fi ;;`;
  });
  return {
    place: `      ${namesWithValue(program).join("|")}) skip=1 ;;
      -*) ;;
      *) case "$place $word" in ${places.join("|")}) place="$place $word" ;; esac ;;`,
    value: valueRows(program).map(({ pattern, kind }) => {
      return `    ${pattern}) ${offer(kind)}; return ;;`;
    }).join("\n"),
    word: words.join("\n"),
  };
}

function bashScript(program: CommandEntry): string {
  const { place, value, word } = bourneCases(program);
  return `# Completion for bash. To be read by it: source <(camellia completion bash)

_camellia_words() {
  COMPREPLY+=($(compgen -W "$*" -- "$cur"))
}

_camellia_files() {
  local IFS=$'\\n'
  compopt -o filenames 2>/dev/null
  COMPREPLY+=($(compgen -f -- "$cur"))
}

_camellia_dirs() {
  local IFS=$'\\n'
  compopt -o filenames 2>/dev/null
  COMPREPLY+=($(compgen -d -- "$cur"))
}

_camellia_users() {
  _camellia_words $("\${COMP_WORDS[0]}" ${completeName} users "\${data[@]}" 2>/dev/null </dev/null)
}

_camellia() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" prev="\${COMP_WORDS[COMP_CWORD-1]}"
  local place="" word="" last="" skip=0 i
  local -a data=()
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    word="\${COMP_WORDS[i]}"
    [[ "$word" == "=" ]] && continue
    if ((skip)); then
      skip=0
      [[ "$last" == --data ]] && data=(--data "$word")
      continue
    fi
    last="$word"
    case "$word" in
${place}
    esac
  done
  # Bash takes --data=x apart at the equals sign.
  if [[ "$cur" == "=" ]]; then cur=""; elif [[ "$prev" == "=" ]]; then prev="\${COMP_WORDS[COMP_CWORD-2]}"; fi
  case "$place:$prev" in
${value}
  esac
  case "$place" in
${word}
  esac
}

complete -F _camellia camellia
`;
}

function zshScript(program: CommandEntry): string {
  const { place, value, word } = bourneCases(program);
  return `#compdef camellia
# Completion for zsh. To be read by it: source <(camellia completion zsh)

_camellia_words() {
  compadd -- "$@"
}

_camellia_files() {
  _files
}

_camellia_dirs() {
  _files -/
}

_camellia_users() {
  compadd -- \${(f)"$(\${words[1]} ${completeName} users $data 2>/dev/null </dev/null)"}
}

_camellia() {
  local cur="\${words[CURRENT]}" prev="\${words[CURRENT-1]}"
  local place="" word="" last="" skip=0 i
  local -a data
  for ((i = 2; i < CURRENT; i++)); do
    word="\${words[i]}"
    if ((skip)); then
      skip=0
      [[ "$last" == --data ]] && data=(--data "$word")
      continue
    fi
    last="$word"
    case "$word" in
${place}
    esac
  done
  case "$place:$prev" in
${value}
  esac
  case "$place" in
${word}
  esac
}

if [[ "\${funcstack[1]}" == _camellia ]]; then _camellia "$@"; else compdef _camellia camellia; fi
`;
}

/** What completes a value in fish: options of \`complete\`. */
function fishOffer(kind: Kind | undefined): string {
  if (kind === undefined) return "";
  if (kind === "file") return " -r -F";
  if (kind === "dir") return " -x -a '(__fish_complete_directories)'";
  if (kind === "user") return " -x -a '(__camellia_users)'";
  if (kind === "other") return " -x";
  return ` -x -a ${fishWord(kind.join(" "))}`;
}

function fishFlag({ names, kind, description }: FlagEntry, condition: string): string {
  const spelled = names.map((name) =>
    name.startsWith("--") ? ` -l ${name.slice(2)}` : ` -s ${name.slice(1)}`
  ).join("");
  return `complete -c camellia${condition}${spelled}${fishOffer(kind)} -d ${fishWord(description)}`;
}

function fishScript(program: CommandEntry): string {
  const lines = everyCommand(program).flatMap(({ path, command }) => {
    const condition = ` -n ${fishWord(`test (__camellia_place) = "${placeOf(path)}"`)}`;
    const [argument] = command.arguments;
    return [
      ...command.commands.map(({ name, description }) =>
        `complete -c camellia${condition} -a ${fishWord(name)} -d ${fishWord(description)}`
      ),
      ...command.flags.map((flag) => fishFlag(flag, path.length === 0 ? "" : condition)),
      ...(argument === undefined || argument.kind === "other"
        ? []
        : [`complete -c camellia${condition}${fishOffer(argument.kind).replace(" -r -F", " -F")}`]),
    ];
  });
  const places = everyCommand(program).filter(({ path }) => path.length > 0)
    .map(({ path }) => fishWord(placeOf(path))).join(" ");
  return `# Completion for fish. To be read by it: camellia completion fish | source

function __camellia_place
    set -l place ""
    set -l skip 0
    for word in (commandline -opc)[2..]
        if test $skip = 1
            set skip 0
            continue
        end
        switch $word
            case ${namesWithValue(program).join(" ")}
                set skip 1
            case '-*'
            case '*'
                if contains -- "$place $word" ${places}
                    set place "$place $word"
                end
        end
    end
    echo "$place"
end

function __camellia_users
    set -l words (commandline -opc)
    set -l data
    if set -l at (contains -i -- --data $words)
        set data --data $words[(math $at + 1)]
    end
    $words[1] ${completeName} users $data 2>/dev/null </dev/null
end

complete -c camellia -f
${lines.join("\n")}
`;
}

/** The script of a shell. */
export function completionScript(shell: Shell, program: CommandEntry): string {
  if (shell === "bash") return bashScript(program);
  return shell === "zsh" ? zshScript(program) : fishScript(program);
}
