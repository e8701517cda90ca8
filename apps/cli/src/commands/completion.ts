import { Argument, type Command } from 'commander';
import { type AddCommands, examples } from './command.js';
import type { Run } from '../run.js';

const SHELLS = ['bash', 'zsh', 'fish'] as const;
type Shell = (typeof SHELLS)[number];

export const addCompletion: AddCommands = (parent, tasks) => {
  parent
    .command('completion')
    .description('Prints what makes a shell complete the commands and options of rollcall.')
    .addArgument(new Argument('<shell>').choices(SHELLS))
    .addHelpText(
      'after',
      examples(
        'source <(rollcall completion bash)      # in ~/.bashrc',
        'source <(rollcall completion zsh)       # in ~/.zshrc',
        'rollcall completion fish | source       # in ~/.config/fish/config.fish',
      ),
    )
    .action(tasks.of(async (run: Run, shell: Shell) => run.terminal.out(SCRIPTS[shell](wordsOf(parent)))));
};

interface Word {
  word: string;
  description: string;
}

/** By the words of the command so far, such as `rebalance`, what may follow. */
type Words = Map<string, Word[]>;

/** From the commands themselves, so that none can be missing. */
function wordsOf(root: Command): Words {
  const words: Words = new Map();
  const visit = (command: Command, path: string, inherited: readonly Word[]): void => {
    const options = command.options.flatMap(({ long, description }): Word[] =>
      long ? [{ word: long, description }] : [],
    );
    const known = [...inherited, ...options];
    const below = command.commands.map((sub): Word => ({ word: sub.name(), description: sub.description() }));
    words.set(path, [...below, ...known, { word: '--help', description: 'what a command does' }]);
    for (const sub of command.commands) visit(sub, `${path} ${sub.name()}`.trim(), known);
  };
  visit(root, '', []);
  return words;
}

/** Only such words are in the scripts, so that nothing in them can be taken for something else by a shell. */
const plain = (text: string): string => text.replaceAll(/[^\p{L}\p{N} .,;:()/|<>=+-]/gu, '').trim();

function bash(words: Words): string {
  // A word counts when it goes on from the words before it, so that values of options and names of servers do not.
  const steps = [...words.keys()].filter(Boolean).map((path) => (path.includes(' ') ? `'${path}'` : `' ${path}'`));
  const cases = [...words].map(([path, list]) => `    '${path}') words='${list.map(({ word }) => word).join(' ')}' ;;`);
  return `# Completion of rollcall for bash.
_rollcall() {
  local so_far='' word words=''
  for word in "\${COMP_WORDS[@]:1:$((COMP_CWORD - 1))}"; do
    case "$so_far $word" in
      ${steps.join('|')}) so_far="\${so_far:+$so_far }$word" ;;
    esac
  done
  case "$so_far" in
${cases.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _rollcall rollcall
`;
}

/** zsh brings what it needs to use those of bash. */
function zsh(words: Words): string {
  return `autoload -U +X compinit && compinit\nautoload -U +X bashcompinit && bashcompinit\n${bash(words)}`;
}

function fish(words: Words): string {
  const paths = [...words.keys()].filter(Boolean);
  const lines = [...words].flatMap(([path, list]) =>
    list.map(({ word, description }) => {
      const what = word.startsWith('--') ? `-l ${word.slice(2)}` : `-a ${word}`;
      return `complete -c rollcall -f -n "test (__rollcall_path) = '${path}'" ${what} -d '${plain(description)}'`;
    }),
  );
  return `# Completion of rollcall for fish.
function __rollcall_path
  set -l paths ${paths.map((path) => `'${path}'`).join(' ')}
  set -l path ''
  for word in (commandline -opc)[2..-1]
    set -l longer (string trim -- "$path $word")
    if contains -- $longer $paths
      set path $longer
    end
  end
  echo "$path"
end
${lines.join('\n')}
`;
}

const SCRIPTS: Readonly<Record<Shell, (words: Words) => string>> = { bash, zsh, fish };
