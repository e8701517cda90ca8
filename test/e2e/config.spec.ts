import { type ConfigSnapshot, type ConfigWatcher, RegistryClient, RpcConnection } from '#client';
import type { Cluster, ClusterNode } from '../../scripts/lib/cluster.mjs';
import { endCluster, startCluster } from '../support/cluster.js';
import { type Answer, http } from '../support/http.js';
import { leaderOf } from '../support/raft.js';

/** Real processes: what operators set at meta, as clients of session servers are told of it. */
describe('configuration values, from meta to clients', () => {
  let cluster: Cluster;
  const clients: RegistryClient[] = [];

  beforeAll(async () => {
    cluster = await startCluster({ meta: 3, data: 1, session: 2 });
  }, 60_000);

  afterAll(async () => {
    await Promise.all(clients.map((client) => client.close({ drain: false })));
    await endCluster(cluster);
  }, 60_000);

  const on = (node: ClusterNode, method: string, path: string, body?: unknown): Promise<Answer> =>
    http(method, `http://${node.httpAddress}/v1/config/${encodeURIComponent(path)}`, body);
  const set = async (key: string, value: string, node = cluster.of('meta')[0]!): Promise<number> =>
    (await on(node, 'PUT', key, { value })).body.version;

  /** A client of each session server, and what each is told of the key. */
  const watchFromAll = (key: string): Told[] =>
    cluster.of('session').map(({ rpcAddress }) => {
      const client = new RegistryClient({ seeds: [rpcAddress] });
      clients.push(client);
      return new Told(client.watch(key));
    });

  it('tells every watcher each change once, in order, and that a value is deleted', async () => {
    const told = watchFromAll('flags');
    await Promise.all(told.map((each) => each.until(({ state }) => state === 'current')));
    const versions = [await set('flags', 'a'), await set('flags', 'b', cluster.of('meta')[1]!)];
    await set('flags', 'b');
    versions.push((await on(cluster.of('meta')[2]!, 'DELETE', 'flags')).body.version, await set('flags', 'c'));
    for (const each of told) {
      await each.until(({ version }) => version === versions[3]);
      expect(each.all.slice(1).map(({ version, value }) => [version, value])).toEqual([
        [versions[0], 'a'],
        [versions[1], 'b'],
        [versions[2], undefined],
        [versions[3], 'c'],
      ]);
    }
  });

  it('goes on across other leaders of meta, without meta, and across other session servers', async () => {
    const told = watchFromAll('limits');
    let version = await set('limits', '1');
    const untilAll = (): Promise<unknown> =>
      Promise.all(told.map((each) => each.until((snapshot) => snapshot.version === version)));
    await untilAll();

    const { node: leader, status } = await leaderOf(cluster);
    await leader.kill('SIGKILL');
    await leaderOf(cluster, status.term + 1);
    const [alive] = cluster.of('meta').filter((node) => node !== leader);
    version = await set('limits', '2', alive);
    await untilAll();
    await leader.start().ready();

    // Without meta, what was told last stays, and whoever comes new is told it.
    await Promise.all(cluster.of('meta').map((node) => node.kill('SIGKILL')));
    const late = watchFromAll('limits');
    for (const each of late) await each.until(({ value }) => value === '2');
    const [first] = cluster.of('session') as [ClusterNode];
    await first.kill('SIGKILL');
    await first.start().ready();
    await Promise.all(cluster.of('meta').map((node) => node.start().ready()));
    version = await set('limits', '3');
    told.push(...late);
    await untilAll();
    for (const { all } of told) {
      const versions = all.map((snapshot) => snapshot.version!);
      expect(versions).toEqual([...new Set(versions)].toSorted((a, b) => a - b));
    }
    expect(told[1]!.all.map(({ value }) => value).slice(-3)).toEqual(['1', '2', '3']);
  }, 60_000);

  it('is told over HTTP, too, and not again to a reader that has it', async () => {
    const version = await set('over/http', 'x');
    const [session] = cluster.of('session') as [ClusterNode];
    const path = `http://${session.httpAddress}/v1/config/${encodeURIComponent('over/http')}/watch`;
    const first = await fetch(path);
    const event = await readEvent(first);
    expect(event).toContain('event: config');
    expect(event).toContain(JSON.stringify({ key: 'over/http', value: 'x', version }).slice(1, -1).split(',')[0]);
    const id = /^id: (.*)$/m.exec(event)![1]!;
    const second = await fetch(path, { headers: { 'last-event-id': id } });
    const later = await set('over/http', 'y');
    expect(await readEvent(second)).toContain(`"version":${later}`);
  });

  it('is kept over RPC by programs, on any meta server', async () => {
    for (const node of cluster.of('meta')) {
      const rpc = await RpcConnection.connect(addressOf(node.rpcAddress));
      const key = `rpc-${node.name}`;
      const made = await rpc.request('meta.config.set', { key, value: 'x', expectedVersion: 0 });
      expect(made).toMatchObject({ changed: true });
      const { version } = made as { version: number };
      expect(await rpc.request('meta.config.get', { key })).toEqual({ key, value: 'x', version });
      await expect(rpc.request('meta.config.set', { key, value: 'y', expectedVersion: 0 })).rejects.toMatchObject({
        code: 'VERSION_CONFLICT',
      });
      await expect(rpc.request('meta.config.set', 'x')).rejects.toMatchObject({ code: 'BAD_REQUEST' });
      await rpc.request('meta.config.delete', { key, expectedVersion: version });
      await expect(rpc.request('meta.config.get', { key })).rejects.toMatchObject({ code: 'NOT_FOUND' });
      rpc.close();
    }
  });
});

/** All that a watcher was told, in order. */
class Told {
  readonly all: ConfigSnapshot[] = [];
  private look: () => void = () => {};

  constructor(readonly watcher: ConfigWatcher) {
    watcher.on('change', (snapshot) => {
      this.all.push(snapshot);
      this.look();
    });
  }

  until(wanted: (snapshot: ConfigSnapshot) => boolean): Promise<void> {
    return new Promise((resolve) => {
      this.look = () => {
        if (wanted(this.watcher.current())) resolve();
      };
      this.look();
    });
  }
}

async function readEvent(response: Response): Promise<string> {
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  while (!/^event: [^]*\n\n/m.test(text)) text += (await reader.read()).value ?? '';
  await reader.cancel();
  return text;
}

function addressOf(address: string): { host: string; port: number } {
  const [host, port] = address.split(':') as [string, string];
  return { host, port: Number(port) };
}
