import type { Command } from 'commander';
import { program } from './program.js';
import type { Terminal } from './terminal.js';

const silent = { out() {}, err() {}, env: {}, signal: new AbortController().signal } as unknown as Terminal;

/** Every command that does something, by what it is called. */
function leaves(command: Command, path: string[] = []): [string, Command][] {
  const below = command.commands.flatMap((sub) => leaves(sub, [...path, sub.name()]));
  // Commander tells of no command whether it does something by itself.
  const { _actionHandler: action } = command as unknown as { _actionHandler: unknown };
  return action ? [[path.join(' '), command], ...below] : below;
}

const OFFLINE = ['raft inspect', 'raft verify', 'raft restore', 'raft recover'];

describe('the commands', () => {
  const all = leaves(program(silent));

  it.each(all.filter(([name]) => !OFFLINE.includes(name)))(
    '%s has a help with examples, and --json',
    (name, command) => {
      let help = '';
      command.configureOutput({ writeOut: (text) => (help += text) }).outputHelp();
      expect(help).toMatch(new RegExp(`Examples?:\n(.|\n)*rollcall ${name.split(' ')[0]}`));
      expect(help).toContain('--json');
      expect(command.description()).toMatch(/\.$/);
    },
  );

  it('are those that operators need', () => {
    const names = all.map(([name]) => name);
    expect(names).toEqual(
      expect.arrayContaining([
        ...[
          'status',
          'members',
          'slots',
          'get',
          'watch',
          'publish',
          'unpublish',
          'drain',
          'trace',
          'doctor',
          'completion',
          'slots abandon',
          'protection status',
          'protection confirm',
        ],
        ...['switch stop-push', 'config get', 'config set', 'config delete', 'config list', 'config check'],
        ...['rebalance plan', 'rebalance run', 'rebalance pause', 'rebalance resume', 'rolling-restart'],
        ...['status', 'add', 'promote', 'remove', 'transfer', 'snapshot', 'backup', 'restore'].map(
          (name) => `raft ${name}`,
        ),
      ]),
    );
    expect(new Set(names).size).toBe(names.length);
  });
});
