import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { Cluster, portsFrom, balanced } from '../../scripts/lib/cluster.mjs';
import { type CliOptions, type CliRun, rollcall } from '../support/cli.js';
import { http } from '../support/http.js';

/** Real processes, and the command of operators asked for them. */
describe('rollcall', () => {
  let folder: string;
  let cluster: Cluster;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rollcall-cli-'));
    cluster = await Cluster.open({ dir: folder, meta: 3, data: 2, session: 2, basePort: 0 });
    await cluster.start();
    await balanced(() => cluster.of('meta')[0]!);
  }, 60_000);

  afterAll(async () => {
    await cluster.kill();
    await rm(folder, { recursive: true, force: true });
  }, 60_000);

  const at = (name: string): string => cluster.node(name).httpAddress;
  const cli = (args: string, options: CliOptions = {}): Promise<CliRun> =>
    rollcall(args.split(' '), { ...options, env: { ROLLCALL_ADDRESS: at('meta-1'), ...options.env } });
  async function json(args: string, options: CliOptions = {}): Promise<CliRun['json']> {
    const run = await cli(`${args} --json`, options);
    expect(run).toMatchObject({ code: 0, err: '' });
    return run.json;
  }

  it('finds everything from any server', async () => {
    for (const { httpAddress, name } of cluster.nodes) {
      const options = { env: { ROLLCALL_ADDRESS: httpAddress } };
      expect([name, await json('status', options)]).toMatchObject([
        name,
        {
          meta: { servers: 3, answering: 3 },
          members: { data: 2, session: 2 },
          slots: { count: 256, replicas: 2, ok: 256 },
          rebalance: { status: 'running' },
          switches: {},
        },
      ]);
      expect([name, await json('get nobody', options)]).toMatchObject([name, { publishers: [] }]);
    }
    // Of several addresses, the first that answers.
    const several = { env: { ROLLCALL_ADDRESS: `127.0.0.1:${await portsFrom(0)()},${at('data-1')}` } };
    expect(await json('status', several)).toMatchObject({ members: { session: 2 } });
  });

  it('lists the servers of all tiers, for people and for programs', async () => {
    const { members, meta } = await json('members');
    const named = (list: { address?: string; id?: string }[]): unknown[] =>
      list.map(({ address, id }) => address ?? id).toSorted();
    const rpc = (tier: 'meta' | 'data' | 'session'): string[] =>
      cluster
        .of(tier)
        .map(({ rpcAddress }) => rpcAddress)
        .toSorted();
    expect(named(meta)).toEqual(rpc('meta'));
    expect(named(members)).toEqual([...rpc('data'), ...rpc('session')].toSorted());
    const { out, code } = await cli('members');
    expect(code).toBe(0);
    for (const { rpcAddress, httpAddress } of cluster.nodes)
      expect(out.split('\n').filter((line) => line.includes(rpcAddress) && line.includes(httpAddress))).toHaveLength(1);
    expect(out).toMatch(/^ROLE +ADDRESS +HTTP/);
    expect((await json('members --role data')).members).toHaveLength(2);
  });

  it('shows slots as a table and as a map, coloured on a terminal alone', async () => {
    const { slots } = await json('slots');
    expect(slots).toHaveLength(256);
    const { rpcAddress } = cluster.node('data-1');
    const ofOne = (await json(`slots --server ${rpcAddress}`)).slots;
    expect(ofOne).toHaveLength(256);
    expect((await json('slots --problems')).slots).toEqual([]);
    const { out } = await cli('slots --map');
    const chars = [...out.matchAll(/^ +\d+ {2}(.{64})$/gm)].map(([, line]) => line).join('');
    expect(chars).toMatch(/^[AB]{256}$/);
    const [, letter] = new RegExp(`^([AB]) {2}${rpcAddress} `, 'm').exec(out)!;
    const leads = slots.filter(({ leader }: { leader: { address: string } }) => leader.address === rpcAddress).length;
    expect(chars.split(letter!).length - 1).toBe(leads);
    const coloured = await cli('slots --map', { isTty: true });
    expect(coloured.out).toContain('\u001b[32m');
    const plain = await cli('slots --map', { isTty: true, env: { NO_COLOR: '1' } });
    expect(plain.out).toBe(out);
  });

  it('publishes, shows and removes', async () => {
    const leased = await json('publish user http://10.0.0.1:80 --lease 5m --app web --zone east');
    const kept = await json('publish user http://10.0.0.2:80 --persistent --register-id kept');
    expect(leased).toMatchObject({ state: 'stored', leaseMs: 300_000 });
    expect(kept).toMatchObject({ state: 'stored', persistent: true });
    const people = await cli('get user', { env: { ROLLCALL_ADDRESS: at('session-2') } });
    expect(people.out).toMatch(/http:\/\/10\.0\.0\.1:80 +east +web +\S+ +L\./);
    expect(people.out).toMatch(/2 publishers\n$/);
    const held = await json('get user --owners');
    expect(held).toMatchObject({ complete: true, publications: expect.anything() });
    expect(held.publications).toHaveLength(2);
    expect((await json('get user --scope zone --zone east')).publishers).toHaveLength(1);
    await json(`unpublish ${leased.registerId} ${kept.registerId}`);
    expect((await json('get user')).publishers).toEqual([]);
  });

  it('keeps a registration until Ctrl-C, and shows its coming and going to whoever watches', async () => {
    const watching = new Watching(cli, 'watch kept');
    await watching.sees(/0 publishers/);
    const keeping = new AbortController();
    const keep = cli('publish kept http://10.0.0.3:80 --keep --lease 3s', { signal: keeping.signal });
    await Promise.race([watching.sees(/1 publisher\n {2}\+ http:\/\/10\.0\.0\.3:80/), keep.then(refuse)]);
    // One that is published after it, with the same lease and nobody to renew that, leaves before it.
    await cli('publish kept http://10.0.0.4:80 --lease 3s');
    await Promise.race([watching.sees(/ {2}- http:\/\/10\.0\.0\.4:80/), keep.then(refuse)]);
    expect(watching.seen).not.toContain('  - http://10.0.0.3:80');
    keeping.abort();
    expect(await keep).toMatchObject({ code: 0 });
    await watching.sees(/0 publishers\n {2}- http:\/\/10\.0\.0\.3:80/);
    expect(await watching.end()).toMatchObject({ code: 0, err: '' });
  });

  it('goes on watching at another session server', async () => {
    const env = { ROLLCALL_ADDRESS: `${at('session-2')},${at('session-1')}` };
    const watching = new Watching(cli, 'watch moved', env);
    await watching.sees(/0 publishers/);
    await cluster.node('session-2').kill();
    await http('POST', `http://${at('session-1')}/v1/publishers`, {
      ...{ dataId: 'moved', data: ['there'], leaseMs: 60_000 },
    });
    await watching.sees(/\+ there/);
    expect((await watching.end()).err).toMatch(/trying again|opened again/);
    await cluster.node('session-2').start().ready();
  });

  it('switches, and does not undo what somebody else has switched meanwhile', async () => {
    await json('switch read-only on');
    let refused = await cli('publish user x');
    // What was taken before the switch arrived is taken again after it.
    while (refused.code === 0) refused = await cli('publish user x');
    expect(refused).toMatchObject({ code: 1, err: expect.stringContaining('(READ_ONLY)') });
    await Promise.all(['a', 'b', 'c'].map((name) => json(`switch blacklist add ${name}`)));
    await json('switch stop-push gray 10.9.9.9');
    await json('switch push-window --min-ms 5 --max-ms 50');
    await json('switch publications-off add user some-id');
    const { switches } = await json('switch show');
    expect({ ...switches, blacklist: switches.blacklist.toSorted() }).toMatchObject({
      readOnly: true,
      blacklist: ['a', 'b', 'c'],
      stopPush: { scope: 'gray', addresses: ['10.9.9.9'] },
      pushWindow: { minMs: 5, maxMs: 50 },
      publicationsOff: [{ dataInfoId: 'user#@#DEFAULT_INSTANCE_ID#@#DEFAULT_GROUP', registerId: 'some-id' }],
    });
    expect((await cli('status')).out).toMatch(/switch +readOnly true/);
    expect((await json('switch blacklist remove b')).switches.blacklist.toSorted()).toEqual(['a', 'c']);
    for (const undo of ['blacklist clear', 'publications-off clear', 'stop-push none', 'push-window', 'read-only off'])
      await json(`switch ${undo}`);
    expect((await json('status')).switches).toEqual({});
    for (const wrong of ['stop-push gray', 'stop-push all east', 'read-only maybe', 'blacklist add', 'clients-off x'])
      expect([wrong, (await cli(`switch ${wrong}`)).code]).toEqual([wrong, 2]);
  });

  it('keeps configuration values', async () => {
    expect(await json('config set flags on')).toMatchObject({ changed: true });
    const file = join(folder, 'value');
    await writeFile(file, 'two\nlines\n');
    await json(`config set lines @${file}`);
    await json('config set piped -', { stdin: 'from a pipe' });
    expect((await cli('config get lines')).out).toBe('two\nlines\n');
    expect((await cli('config list')).out).toMatch(/piped +\d+ +11 B/);
    expect(await cli('config set flags off --expected-version 0')).toMatchObject({
      code: 1,
      err: expect.stringContaining('(VERSION_CONFLICT)'),
    });
    const watched = await cli('config watch flags --count 1 --json');
    expect(JSON.parse(watched.out)).toMatchObject({ key: 'flags', value: 'on' });
    await json('config delete flags');
    expect(await cli('config get flags')).toMatchObject({ code: 1, err: expect.stringContaining('(NOT_FOUND)') });
  });

  it('checks a settings file without any server', async () => {
    expect(await cli('config check rollcall.example.yaml')).toMatchObject({ code: 0 });
    const file = join(folder, 'wrong.yaml');
    await writeFile(file, 'session: { zoen: east }\n');
    expect(await cli(`config check ${file}`)).toMatchObject({ code: 1, err: expect.stringContaining('did you mean') });
  });

  it('says in one line what is wrong and what to do', async () => {
    const nobody = `127.0.0.1:${await portsFrom(0)()}`;
    const { code, err } = await cli(`status --address ${nobody}`);
    expect(code).toBe(1);
    expect(err).toMatch(
      new RegExp(`^rollcall: http://${nobody} cannot be reached: the connection was refused\\..*--address`),
    );
    expect(err.trim().split('\n')).toHaveLength(1);
    expect(await cli('slots --slot 256')).toMatchObject({ code: 2, err: expect.stringContaining('0 to 255') });
    for (const wrong of ['', 'nonsense', 'get', 'status --nonsense', 'slots --slot x', 'status --address here'])
      expect([wrong, (await cli(wrong)).code]).toEqual([wrong, 2]);
  });
});

function refuse(run: CliRun): never {
  throw new Error(`It ended with ${run.code}: ${run.err}`);
}

/** Somebody who watches until Ctrl-C. */
class Watching {
  seen = '';
  private readonly interrupted = new AbortController();
  private readonly run: Promise<CliRun>;

  constructor(
    cli: (args: string, options: CliOptions) => Promise<CliRun>,
    args: string,
    env: Record<string, string> = {},
  ) {
    const { signal } = this.interrupted;
    this.run = cli(args, { signal, env, printed: (out) => (this.seen = out) });
  }

  async sees(pattern: RegExp): Promise<void> {
    while (!pattern.test(this.seen)) await Promise.race([setTimeout(10), this.run.then(refuse)]);
  }

  end(): Promise<CliRun> {
    this.interrupted.abort();
    return this.run;
  }
}
