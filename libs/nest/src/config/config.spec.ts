import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { RegistryError } from '#model';
import { LEAVES } from './environment.js';
import { type ConfigSources, loadConfig } from './load.js';
import type { ConfigProblem } from './problems.js';

const TOKEN = 'a-token-of-the-operators';

/** Loads from the texts given and from nothing else. */
function load(
  sources: { env?: ConfigSources['env']; yaml?: string; argv?: string[] },
  tier: 'meta' | 'data' | 'session' = 'session',
) {
  const argv = sources.argv ?? (sources.yaml === undefined ? [] : ['--config', 'rollcall.yaml']);
  return loadConfig(tier, {
    env: sources.env ?? {},
    argv,
    readFile: (path) => {
      if (sources.yaml === undefined) throw new Error(`ENOENT: no such file or directory, open '${path}'`);
      return sources.yaml;
    },
  });
}

function refusal(sources: Parameters<typeof load>[0]): { message: string; problems: ConfigProblem[] } {
  try {
    load(sources);
  } catch (error) {
    if (!(error instanceof RegistryError) || error.code !== 'INVALID_CONFIGURATION') throw error;
    return { message: error.message, problems: error.details!.problems as ConfigProblem[] };
  }
  throw new Error('The settings were taken.');
}

describe('configuration', () => {
  it('needs nothing: every tier has its documented ports on loopback and its own folder', () => {
    expect(load({}, 'meta')).toMatchObject({
      host: '127.0.0.1',
      rpcPort: 9610,
      httpPort: 9615,
      dataDir: './data/meta',
    });
    expect(load({}, 'data')).toMatchObject({ host: '127.0.0.1', rpcPort: 9620, httpPort: 9622, weight: 1 });
    expect(load({}, 'session')).toMatchObject({
      tier: 'session',
      rpcPort: 9600,
      httpPort: 9603,
      zone: 'DEFAULT_ZONE',
      cluster: {
        metaAddresses: ['127.0.0.1:9610'],
        dataCenter: 'DEFAULT_DATA_CENTER',
        slotCount: 256,
        replicas: 2,
      },
      limits: { heartbeatMs: 3000, idleTimeoutMs: 10_000, graceMs: 3000 },
      log: { level: 'info', format: 'auto' },
    });
  });

  it('reads one file for all tiers', () => {
    const yaml = `
      cluster: { metaAddresses: ['10.0.0.1:9610', '[fd00::1]:9610'] }
      meta: { limits: { leaseMs: 5000 } }
      session: { zone: east }`;
    expect(load({ yaml }, 'meta').limits).toMatchObject({ leaseMs: 5000, heartbeatMs: 500 });
    expect(load({ yaml }, 'session')).toMatchObject({
      zone: 'east',
      cluster: { metaAddresses: ['10.0.0.1:9610', '[fd00::1]:9610'] },
    });
  });

  it('lets the environment win over the file, and the argument over the variable that names the file', () => {
    const yaml = 'session: { rpcPort: 7000, zone: east }';
    const env = { ROLLCALL_SESSION_RPC_PORT: '7001', ROLLCALL_CLUSTER_META_ADDRESSES: 'a:1, b:2' };
    expect(load({ yaml, env })).toMatchObject({
      rpcPort: 7001,
      zone: 'east',
      cluster: { metaAddresses: ['a:1', 'b:2'] },
    });
    const asked: string[] = [];
    const readFile = (path: string): string => {
      asked.push(path);
      return '';
    };
    loadConfig('meta', { env: { ROLLCALL_CONFIG: 'one.yaml' }, argv: [], readFile });
    loadConfig('meta', { env: { ROLLCALL_CONFIG: 'one.yaml' }, argv: ['--config=two.yaml'], readFile });
    expect(asked).toEqual(['one.yaml', 'two.yaml']);
  });

  it('reads true and false from the environment, and nothing else for them', () => {
    const yaml = 'meta: { join: true }';
    expect(load({}, 'meta')).toMatchObject({ join: false });
    expect(load({ yaml }, 'meta')).toMatchObject({ join: true });
    expect(load({ yaml, env: { ROLLCALL_META_JOIN: 'false' } }, 'meta')).toMatchObject({ join: false });
    expect(load({ env: { ROLLCALL_META_JOIN: 'true' } }, 'meta')).toMatchObject({ join: true });
    const { message } = refusal({ env: { ROLLCALL_META_JOIN: 'yes' } });
    expect(message).toContain('meta.join must be true or false, but is "yes" (from ROLLCALL_META_JOIN)');
  });

  it('finds meta where the meta section says, unless it is told otherwise', () => {
    expect(load({ env: { ROLLCALL_META_RPC_PORT: '7610' } }).cluster.metaAddresses).toEqual(['127.0.0.1:7610']);
    const env = { ROLLCALL_META_HOST: '::', ROLLCALL_META_ADVERTISED_HOST: 'fd00::7', ROLLCALL_ADMIN_TOKEN: TOKEN };
    expect(load({ env }).cluster.metaAddresses).toEqual(['[fd00::7]:9610']);
  });

  it('takes a section whose lines are all commented out, and a variable set to nothing, as absent', () => {
    expect(load({ yaml: 'session:\n#  rpcPort: 1\nlog:\n', env: { ROLLCALL_SESSION_ZONE: '' } })).toMatchObject({
      rpcPort: 9600,
      zone: 'DEFAULT_ZONE',
    });
  });

  it('names everything that is wrong at once, with its value, its rule and where it came from', () => {
    const { message, problems } = refusal({
      yaml: `
        cluster: { slotCount: 100 }
        session: { rpcPort: 99999, zone: "a\\u0000b" }
        meta: { limits: { heartbeatMs: fast } }`,
      env: { ROLLCALL_DATA_HTTP_PORT: '96x2', ROLLCALL_LOG_LEVEL: 'loud' },
    });
    expect(problems).toHaveLength(6);
    expect(problems).toContainEqual({
      key: 'session.rpcPort',
      value: 99999,
      rule: 'must be a port from 0 to 65535 (0 lets the system choose)',
      source: 'rollcall.yaml',
    });
    expect(message).toContain('6 settings are wrong');
    expect(message).toContain(
      'data.httpPort must be a port from 0 to 65535 (0 lets the system choose), but is "96x2" (from ROLLCALL_DATA_HTTP_PORT)',
    );
    expect(message).toContain('cluster.slotCount must be a power of two from 1 to 16384, but is 100');
    expect(message).toContain('log.level must be one of debug, info, warn, error, but is "loud"');
    expect(message).toContain('session.zone must be a name');
    expect(message).toContain('meta.limits.heartbeatMs must be a whole number of milliseconds');
  });

  it('refuses what is not a setting and guesses what was meant', () => {
    const { message } = refusal({
      yaml: 'sesion: { zone: a }\ndata: { rpcprot: 1, limits: { tombstone: 1 } }',
      env: { ROLLCALL_SESSION_RCP_PORT: '1' },
      argv: ['--conifg', '--config', 'rollcall.yaml'],
    });
    expect(message).toContain('sesion is not a setting; did you mean session?');
    expect(message).toContain('data.rpcprot is not a setting; did you mean rpcPort?');
    expect(message).toContain('data.limits.tombstone is not a setting; did you mean tombstoneMs?');
    expect(message).toContain('ROLLCALL_SESSION_RCP_PORT is not a setting; did you mean ROLLCALL_SESSION_RPC_PORT?');
    expect(message).toContain('--conifg is not an argument; did you mean --config?');
  });

  it('takes --workers for the setting, over the environment', () => {
    const env = { ROLLCALL_SESSION_WORKERS: '3' };
    expect(load({ env })).toMatchObject({ workers: 3, workerPort: 9660 });
    expect(load({ env, argv: ['--workers', '4'] })).toMatchObject({ workers: 4 });
    expect(load({ argv: ['--workers=0'] })).toMatchObject({ workers: 0 });
    expect(refusal({ argv: ['--workers', 'many'] }).message).toContain('session.workers must be a whole number');
    expect(refusal({ argv: ['--workers'] }).message).toContain('--workers needs a number');
    expect(() => load({ argv: ['--workers', '2'] }, 'data')).toThrow('--workers is only for session servers');
  });

  it('leaves alone what the command `rollcall` is told, and tells those that restart servers for it', () => {
    const env = { ROLLCALL_ADDRESS: 'a:1', ROLLCALL_ROLE: 'data', ROLLCALL_SERVER: 'b:1', ROLLCALL_SERVER_HTTP: 'b:2' };
    expect(load({ env })).toEqual(load({}));
  });

  it('leaves alone the variables that Kubernetes makes for a service of this name', () => {
    const env = {
      ROLLCALL_META_SERVICE_HOST: '10.0.0.1',
      ROLLCALL_META_SERVICE_PORT_RPC: '9610',
      ROLLCALL_META_PORT: 'tcp://10.0.0.1:9610',
      ROLLCALL_META_PORT_9610_TCP_ADDR: '10.0.0.1',
    };
    expect(load({ env }).rpcPort).toBe(9600);
    expect(refusal({ env: { ROLLCALL_META_PORT: '9610' } }).message).toContain('ROLLCALL_META_PORT is not a setting');
  });

  it.each(['0.0.0.0', '::', '10.0.0.7', 'fd00::7', 'one.example', '::ffff:10.0.0.7'])(
    'wants an admin token for a server that listens on %s',
    (host) => {
      const open = { ROLLCALL_SESSION_HOST: host, ROLLCALL_SESSION_ADVERTISED_HOST: 'one.example' };
      expect(refusal({ env: open }).problems).toEqual([
        {
          key: 'admin.tokenFile',
          rule: expect.stringMatching(`session.host is ${host}.*ROLLCALL_ADMIN_TOKEN_FILE`),
        },
      ]);
      const { admin } = load({ env: { ...open, ROLLCALL_ADMIN_TOKEN: TOKEN } });
      expect(admin).toEqual({ token: TOKEN });
      // One file serves all, so that the others are told as well.
      const yaml = `session: { host: "${host}", advertisedHost: one.example }\nadmin: { tokenFile: admin.token }`;
      expect(load({ yaml }, 'meta').admin).toEqual({ tokenFile: 'admin.token' });
    },
  );

  it.each(['127.0.0.1', '127.8.9.10', '::1', 'localhost', '::ffff:127.0.0.1'])('wants none for %s', (host) => {
    expect(load({ env: { ROLLCALL_META_HOST: host } }).admin).toEqual({});
  });

  it.each([
    ['admin: { token: my secret }', 'admin.token must be a token', ', but is "***" (from rollcall.yaml)'],
    ['admin: { tokn: my secret }', 'admin.tokn is not a setting; did you mean token?', ''],
    ['admin: my secret', 'admin must be a mapping of settings, but is "***"', ''],
    ['admin: [my secret]', 'admin must be a mapping of settings, but is "***"', ''],
    ['amin: { token: my secret }', 'amin is not a setting; did you mean admin?', ''],
    ['admin.token: my secret', 'admin.token is not a setting', ''],
    ['admin: { token: { a: my secret } }', 'admin.token must be a token', ''],
  ])('does not tell what may be a token: %s', (yaml, ...sentences) => {
    const { message, problems } = refusal({ yaml });
    for (const sentence of sentences) expect(message).toContain(sentence);
    expect(JSON.stringify({ message, problems })).not.toContain('my secret');
  });

  it.each(['0.0.0.0', '::'])('takes %s to listen on, and not to be reached at', (host) => {
    expect(refusal({ env: { ROLLCALL_SESSION_ADVERTISED_HOST: host } }).message).toContain('can reach');
    const env = {
      ROLLCALL_SESSION_HOST: host,
      ROLLCALL_SESSION_ADVERTISED_HOST: 'one.example',
      ROLLCALL_ADMIN_TOKEN: TOKEN,
    };
    expect(load({ env })).toMatchObject({ host, advertisedHost: 'one.example' });
  });

  it('refuses limits that count one lost heartbeat as a death', () => {
    expect(refusal({ env: { ROLLCALL_META_LIMITS_LEASE_MS: '600' } }).message).toBe(
      'meta.limits.leaseMs must be at least twice heartbeatMs, but is 600 (from ROLLCALL_META_LIMITS_LEASE_MS)',
    );
    expect(refusal({ yaml: 'session: { limits: { heartbeatMs: 6000 } }' }).message).toContain('idleTimeoutMs');
  });

  it('refuses to have clients spread over so long that they are taken for gone before they are back', () => {
    const spread = (ms: number) => ({ yaml: `session: { limits: { reconnectSpreadMs: ${ms} } }` });
    expect(load(spread(3_000))).toMatchObject({ limits: { reconnectSpreadMs: 3_000 } });
    expect(refusal(spread(3_001)).message).toContain(
      'session.limits.reconnectSpreadMs must be at least 2000 less than data.limits.orphanGraceMs, but is 3001',
    );
    expect(refusal({ yaml: 'data: { limits: { orphanGraceMs: 2500 } }' }).message).toContain('reconnectSpreadMs');
  });

  it('refuses to let clients in so slowly that those of a lost server are taken for gone before they are back', () => {
    const at = (rate: number) => ({
      yaml: `session: { limits: { maxConnections: 8000, admissionsPerSecond: ${rate} } }`,
    });
    expect(load(at(2_000))).toMatchObject({ limits: { admissionsPerSecond: 2_000 } });
    expect(refusal(at(1_999)).message).toContain(
      'session.limits.admissionsPerSecond must be enough to let maxConnections',
    );
    expect(refusal({ yaml: 'session: { limits: { movesPerSecond: 0 } }' }).message).toContain(
      'movesPerSecond must be a whole number from 1',
    );
  });

  it.each([['host'], ['host:'], [':1'], ['host:70000'], ['a b:1'], ['fd00::1:9610'], ['http://a:1']])(
    'refuses %s as an address of a meta server',
    (address) => {
      const { message } = refusal({ env: { ROLLCALL_CLUSTER_META_ADDRESSES: `a:1,${address}` } });
      expect(message).toContain('cluster.metaAddresses must be a list of addresses of the form host:port');
    },
  );

  it.each([
    ['a missing file', { argv: ['--config', 'nowhere.yaml'] }, 'nowhere.yaml cannot be read: ENOENT'],
    ['no file after --config', { argv: ['--config'] }, '--config needs the path of a file'],
    ['a broken file', { yaml: 'session: {' }, 'rollcall.yaml is not valid YAML'],
    [
      'the same key twice',
      { yaml: 'log: {}\nlog: {}' },
      'rollcall.yaml is not valid YAML: Map keys must be unique at line 2',
    ],
    ['a list', { yaml: '- session' }, 'rollcall.yaml must hold a mapping of sections'],
    ['a section that is no mapping', { yaml: 'session: 9600' }, 'session must be a mapping of settings, but is 9600'],
    ['a setting without a value', { yaml: 'session: { zone: }' }, 'session.zone must be a name'],
    ['a list in place of a text', { yaml: 'session: { host: [a] }' }, 'session.host must be a host name'],
    ['a mapping in place of a number', { yaml: 'session: { rpcPort: { a: 1 } }' }, 'session.rpcPort must be a port'],
  ])('answers %s with one clear sentence', (_, sources, sentence) => {
    expect(refusal(sources).message).toContain(sentence);
  });

  it('is told in full by the commented example, whose values are the defaults', () => {
    const example = readFileSync(new URL('../../../../rollcall.example.yaml', import.meta.url), 'utf8');
    for (const tier of ['meta', 'data', 'session'] as const)
      expect(load({ yaml: example }, tier)).toEqual(load({}, tier));
    // With every setting that stands behind a `#` switched on, the file must still be right and know each one.
    const full = example.replace(/^( *)#(\w+:)/gm, '$1$2');
    expect(() => load({ yaml: full })).not.toThrow();
    const shown = parse(full) as Record<string, unknown>;
    const missing = LEAVES.filter(
      (leaf) =>
        leaf.path.reduce<unknown>((node, name) => (node as Record<string, unknown>)?.[name], shown) === undefined,
    );
    expect(missing.map((leaf) => leaf.key)).toEqual([]);
  });

  it('has a variable of its own for every setting', () => {
    const variables = LEAVES.map((leaf) => leaf.variable);
    expect(new Set(variables).size).toBe(variables.length);
    expect(variables).toContain('ROLLCALL_SESSION_LIMITS_IDLE_TIMEOUT_MS');
  });
});
