import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Advertised, type Config, createLogger, loadConfig } from '#nest';
import { startMeta } from '../meta.app.js';
import { checkGroup, identify } from './identity.js';

describe('who a meta node is', () => {
  let folder: string;
  const logger = createLogger({ tier: 'meta', level: 'error', format: 'json' });

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rollcall-identity-'));
  });

  afterEach(() => rm(folder, { recursive: true, force: true }));

  function config(rpcPort: number, metaAddresses?: string, join = false): Advertised<Config<'meta'>> {
    const env = {
      ROLLCALL_META_RPC_PORT: String(rpcPort),
      ROLLCALL_META_HTTP_PORT: '0',
      ROLLCALL_META_DATA_DIR: folder,
      ROLLCALL_LOG_LEVEL: 'error',
      ROLLCALL_META_JOIN: String(join),
      ...(metaAddresses === undefined ? {} : { ROLLCALL_CLUSTER_META_ADDRESSES: metaAddresses }),
    };
    return { ...loadConfig('meta', { env, argv: [] }), advertisedHost: '127.0.0.1' };
  }

  const THREE = '127.0.0.1:1,127.0.0.1:2,127.0.0.1:3';
  const voters = THREE.split(',');

  it('is its address in the list that makes the group, and stays so whatever the list says later', async () => {
    const identity = { id: '127.0.0.1:2', bootstrap: { voters, learners: [] } };
    expect(await identify(config(2, THREE), logger)).toEqual(identity);
    expect(await identify(config(2, `${THREE},127.0.0.1:4`), logger)).toEqual(identity);
  });

  it.each([
    [
      'a server that the list does not name',
      4,
      THREE,
      /reached at 127\.0\.0\.1:4 .*cluster\.metaAddresses does not name/,
    ],
    ['a list that names one twice', 1, '127.0.0.1:1,127.0.0.1:1', /names a meta server twice/],
  ])('refuses %s', async (_, port, addresses, message) => {
    await expect(identify(config(port, addresses), logger)).rejects.toMatchObject({
      code: 'INVALID_CONFIGURATION',
      message: expect.stringMatching(message),
    });
  });

  it('refuses the folder of another node of the group', async () => {
    await identify(config(1, THREE), logger);
    await expect(identify(config(2, THREE), logger)).rejects.toMatchObject({
      code: 'INVALID_CONFIGURATION',
      message: expect.stringContaining('is that of the meta server 127.0.0.1:1, and this one is 127.0.0.1:2'),
    });
  });

  it('makes no group when it is to join one, keeps its address then, and is a member of any group later', async () => {
    const identity = { id: '127.0.0.1:4', bootstrap: { voters: [], learners: [] } };
    await expect(identify(config(0, THREE, true), logger)).rejects.toThrow(/meta\.rpcPort is 0/);
    expect(await identify(config(4, THREE, true), logger)).toEqual(identity);
    expect(await identify(config(4, '127.0.0.1:4'), logger)).toEqual(identity);
    await expect(identify(config(5, '127.0.0.1:5'), logger)).rejects.toThrow(
      /is that of the meta server 127\.0\.0\.1:4/,
    );
    expect(() => checkGroup(config(4, THREE, true), identity.bootstrap)).not.toThrow();
  });

  it('goes on with the group of its folder when it is told to join one', async () => {
    const founder = await identify(config(1, THREE), logger);
    expect(await identify(config(1, THREE, true), logger)).toEqual(founder);
  });

  it('lets a group of one move to another address', async () => {
    const first = await identify(config(1), logger);
    expect(first).toEqual({ id: '127.0.0.1:1', bootstrap: { voters: ['127.0.0.1:1'], learners: [] } });
    expect(await identify(config(2), logger)).toEqual(first);
  });

  it('refuses to let a group of one grow by its settings, but not one that has grown', () => {
    const one = { voters: ['127.0.0.1:1'], learners: [] };
    expect(() => checkGroup(config(1, THREE), one)).toThrow(/does not grow by its settings/);
    expect(() => checkGroup(config(1), one)).not.toThrow();
    expect(() => checkGroup(config(1, THREE), { voters, learners: [] })).not.toThrow();
    expect(() => checkGroup(config(1, THREE), { ...one, learners: ['127.0.0.1:2'] })).not.toThrow();
  });

  it('leaves nothing open when it refuses, and keeps the cluster over a restart', async () => {
    const failed: unknown[] = [];
    const fail = (error: unknown): void => void failed.push(error);
    const statuses: unknown[] = [];
    for (let run = 0; run < 2; run++) {
      const meta = await startMeta(config(0), fail);
      await meta.ready();
      const response = await fetch(`http://${meta.httpAddress}/v1/raft/status`);
      statuses.push((await response.json()) as unknown);
      await meta.close();
      // The same folder, with settings that mean a larger group: refused, and free again afterwards.
      await expect(startMeta(config(0, '127.0.0.1:0,127.0.0.1:2'), fail)).rejects.toMatchObject({
        code: 'INVALID_CONFIGURATION',
      });
    }
    const [first, second] = statuses as { id: string; role: string; term: number; last: number }[];
    expect(first).toMatchObject({ id: '127.0.0.1:0', role: 'leader' });
    expect(second).toMatchObject({ id: '127.0.0.1:0', role: 'leader' });
    expect(second!.term).toBeGreaterThan(first!.term);
    expect(second!.last).toBeGreaterThan(first!.last);
    expect(failed).toEqual([]);
  });
});
