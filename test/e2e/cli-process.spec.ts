import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rollcall } from '../support/cli.js';
import { Script } from '../support/script.js';
import { type Tiers, startTiers } from '../support/tiers.js';

interface Ended {
  code: number | null;
  out: string;
}

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** The command as a process of its own, as shells and terminals have it. */
describe('rollcall in a shell', () => {
  let tiers: Tiers;
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rollcall-shell-'));
    tiers = await startTiers();
  });

  afterAll(async () => {
    await tiers.close();
    await rm(folder, { recursive: true, force: true });
  });

  const bash = (script: string, env: Record<string, string> = {}): Promise<Ended> =>
    shell('bash', ['-c', `set -o pipefail; ${script}`], env);

  async function shell(name: string, args: string[], env: Record<string, string> = {}): Promise<Ended> {
    const child = spawn(name, args, {
      cwd: ROOT,
      env: { ...process.env, ROLLCALL_ADDRESS: tiers.session.httpAddress, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let out = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (out += chunk.toString()));
    const [code] = (await once(child, 'close')) as [number | null];
    return { code, out };
  }

  /** Not every machine has every shell. */
  const has = async (name: string): Promise<boolean> => (await bash(`command -v ${name}`)).code === 0;

  it('is found by npx in the checkout without any registry of packages', async () => {
    const env = {
      npm_config_registry: 'http://127.0.0.1:1',
      npm_config_cache: folder,
      npm_config_update_notifier: 'false',
    };
    expect(await bash('npx rollcall get nobody --json', env)).toMatchObject({
      code: 0,
      out: expect.stringContaining('"publishers": []'),
    });
  }, 60_000);

  it('ends quietly when nobody reads it any more', async () => {
    const { code, out } = await bash('node scripts/rollcall.mjs slots | head -n 1');
    expect({ code, out }).toEqual({ code: 0, out: expect.stringMatching(/^SLOT .*\n$/) });
  });

  it('stops cleanly at Ctrl-C', async () => {
    const watch = new Script('rollcall.mjs', ['watch', 'user'], { ROLLCALL_ADDRESS: tiers.session.httpAddress });
    await watch.prints('0 publishers');
    watch.signal('SIGINT');
    expect(await watch.exited).toBe(0);
    expect(watch.output).not.toMatch(/rollcall:/);
  });

  it('is completed by bash, command by command', async () => {
    const completion = join(folder, 'completion.bash');
    await writeFile(completion, (await rollcall(['completion', 'bash'])).out);
    const completed = async (...words: string[]): Promise<string[]> => {
      const line = words.map((word) => `'${word}'`).join(' ');
      const script = `source ${completion}; COMP_WORDS=(rollcall ${line}); COMP_CWORD=${words.length}; _rollcall; echo "\${COMPREPLY[@]}"`;
      const { code, out } = await bash(script);
      expect([words, code]).toEqual([words, 0]);
      return out.trim().split(' ').filter(Boolean);
    };
    expect(await completed('reb')).toEqual(['rebalance']);
    expect(await completed('rebalance', 'p')).toEqual(['plan', 'pause']);
    expect(await completed('rebalance', 'plan', '--dr')).toEqual(['--drain']);
    expect(await completed('--json', 'raft', 'tr')).toEqual(['transfer']);
    // The name of a command as the value of an option or as an argument is none.
    expect(await completed('get', 'raft', '--own')).toEqual(['--owners']);
    expect(await completed('drain', 'rebalance', '--und')).toEqual(['--undo']);
    expect(await completed('slots', '')).toEqual(expect.arrayContaining(['abandon', '--map']));
    expect((await rollcall(['completion', 'tcsh'])).code).toBe(2);
  });

  it('is completed by zsh, with what bash is told', async () => {
    const { out } = await rollcall(['completion', 'zsh']);
    const forBash = (await rollcall(['completion', 'bash'])).out;
    expect(out).toMatch(/^autoload -U \+X compinit && compinit\nautoload -U \+X bashcompinit && bashcompinit\n/);
    expect(out.endsWith(forBash)).toBe(true);
    const file = join(folder, 'completion.zsh');
    await writeFile(file, out);
    if (!(await has('zsh'))) return;
    // As its bashcompinit calls what was made for bash. It leaves out itself what does not begin with what was typed.
    const typed = `COMP_WORDS=(rollcall --json rebalance ''); COMP_CWORD=3`;
    const script = `source ${file}; emulate sh; ${typed}; _rollcall; echo "\${COMPREPLY[@]}"`;
    const { code, out: words } = await shell('zsh', ['-f', '-c', script]);
    expect({ code, words }).toEqual({ code: 0, words: expect.stringMatching(/^status plan run pause resume --/) });
  });

  it('is completed by fish, command by command', async () => {
    const { out } = await rollcall(['completion', 'fish']);
    expect(out).toMatch(/^complete -c rollcall -f -n "test \(__rollcall_path\) = ''" -a rebalance -d '.+'$/m);
    expect(out).toMatch(/^complete -c rollcall -f -n "test \(__rollcall_path\) = 'rebalance plan'" -l drain -d '.+'$/m);
    // A quote in a description would end it.
    for (const line of out.split('\n').filter((each) => each.startsWith('complete')))
      expect(line).toMatch(/ -d '[^']+'$/);
    const file = join(folder, 'completion.fish');
    await writeFile(file, out);
    if (!(await has('fish'))) return;
    const completed = async (line: string): Promise<string[]> => {
      const { code, out: lines } = await shell('fish', ['--no-config', '-c', `source ${file}; complete -C '${line}'`]);
      expect(code).toBe(0);
      return lines.split('\n').flatMap((each) => each.split('\t')[0] || []);
    };
    expect(await completed('rollcall reb')).toEqual(['rebalance']);
    expect((await completed('rollcall rebalance p')).toSorted()).toEqual(['pause', 'plan']);
    expect(await completed('rollcall rebalance plan --dr')).toEqual(['--drain']);
    expect(await completed('rollcall --json raft tr')).toEqual(['transfer']);
    expect(await completed('rollcall drain rebalance --und')).toEqual(['--undo']);
  });
});
