import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import { Etcd3, type Lease } from 'etcd3';
import { RegistryClient } from '#client';
import { RawClient } from '../../apps/session/src/etcd/etcd.harness.js';
import { type Cluster, type ClusterNode, balanced } from '../../scripts/lib/cluster.mjs';
import { endCluster, startCluster } from '../support/cluster.js';

const TTL_S = 8;
const SERVICES = 8;

const kitexKey = (service: string, address: string): string => `kitex/registry-etcd/${service}/${address}`;
const kitexValue = (address: string): string =>
  `{"network":"tcp","address":"${address}","weight":10,"tags":{"idc":"hl"}}`;

/** Real processes, and stock clients of etcd that know of two session servers. */
describe('clients of etcd', () => {
  let cluster: Cluster;
  let sessions: ClusterNode[];
  let near: string;
  let far: string;
  const open: { close(): unknown }[] = [];

  beforeAll(async () => {
    const env = { ROLLCALL_SESSION_ETCD_ENABLED: 'true', ROLLCALL_SESSION_ETCD_PORT: '0' };
    cluster = await startCluster({ meta: 3, data: 3, session: 3, env });
    // Watches of slots that move may have to begin anew, and who watches here does not.
    await balanced(() => cluster.of('meta')[0]!);
    sessions = cluster.of('session');
    [near, far] = (await Promise.all(sessions.map(etcdAddressOf))) as [string, string];
  }, 60_000);

  afterAll(async () => {
    for (const each of open) await each.close();
    await endCluster(cluster);
  }, 60_000);

  const client = (...hosts: string[]): Etcd3 => {
    const etcd = new Etcd3({ hosts });
    open.push(etcd);
    return etcd;
  };
  const subscribe = (dataId: string): string[][] => {
    const native = new RegistryClient({ seeds: [sessions[1]!.rpcAddress] });
    open.push(native);
    const lists: string[][] = [];
    native.subscribe({ dataId }, ({ publishers }) => lists.push(publishers.flatMap(({ data }) => data).toSorted()));
    return lists;
  };
  const until = async (holds: () => boolean | Promise<boolean>): Promise<void> => {
    while (!(await holds())) await setTimeout(20);
  };

  it('read through one session server what was put through another, and are told of it there', async () => {
    const [one, other] = [client(near), client(far)];
    const watcher = await other.watch().prefix('app/').create();
    const told = once(watcher, 'put');
    await one.put('app/a').value('1');
    expect((await told)[0]).toMatchObject({ key: Buffer.from('app/a'), value: Buffer.from('1') });
    expect(await other.get('app/a').string()).toBe('1');
    const lease = one.lease(60, { autoKeepAlive: false });
    await lease.put('app/b').value('2');
    expect(await other.leaseClient.leaseTimeToLive({ ID: await lease.grant(), keys: true })).toMatchObject({
      ...{ grantedTTL: '60', keys: [Buffer.from('app/b')] },
    });
    const gone = once(watcher, 'delete');
    await other.leaseClient.leaseRevoke({ ID: await lease.grant() });
    expect((await gone)[0]).toMatchObject({ key: Buffer.from('app/b') });
    await watcher.cancel();
  }, 30_000);

  it('are told of all who serve them', async () => {
    const told = await Promise.all(sessions.map(etcdAddressOf));
    const raw = new RawClient(near);
    open.push(raw);
    const { members } = (await raw.call('Cluster.MemberList')) as { members: { ID: string; clientURLs: string[] }[] };
    expect(members.flatMap(({ clientURLs }) => clientURLs).toSorted()).toEqual(
      told.map((address) => `http://${address}`).toSorted(),
    );
    const { header } = (await raw.call('Maintenance.Status')) as { header: { member_id: string } };
    expect(members.map(({ ID }) => ID)).toContain(header.member_id);
  });

  it('that register as Kitex does are seen by native subscribers, and by Kitex to the byte', async () => {
    const lists = subscribe('demouser');
    const etcd = client(near);
    const lease = etcd.lease(60);
    await lease.put(kitexKey('demouser', '10.0.0.7:8888')).value(kitexValue('10.0.0.7:8888'));
    await lease.put(kitexKey('demouser', '10.0.0.8:8888')).value('{"network":"tcp"');
    await until(() => lists.at(-1)?.length === 1);
    expect(lists.at(-1)).toEqual(['tcp://10.0.0.7:8888?weight=10&idc=hl']);
    expect(await client(far).getAll().prefix('kitex/registry-etcd/demouser/').strings()).toEqual({
      [kitexKey('demouser', '10.0.0.7:8888')]: kitexValue('10.0.0.7:8888'),
      [kitexKey('demouser', '10.0.0.8:8888')]: '{"network":"tcp"',
    });
    await lease.put(kitexKey('demouser', '10.0.0.8:8888')).value(kitexValue('10.0.0.8:8888'));
    await until(() => lists.at(-1)?.length === 2);
    expect(sessions.map((session) => session.log()).join('')).toContain('"event":"etcd-value-malformed"');
    await lease.revoke();
    await until(() => lists.at(-1)?.length === 0);
  }, 30_000);

  it('see what is published natively among the keys of its service, and are told of it', async () => {
    const native = new RegistryClient({ seeds: [sessions[1]!.rpcAddress] });
    open.push(native);
    const prefix = 'kitex/registry-etcd/demoapi/';
    const etcd = client(near);
    const shown = () => etcd.getAll().prefix(prefix).strings();
    const revision = BigInt((await etcd.getAll().prefix(prefix).exec()).header.revision);
    const told: string[] = [];
    const watcher = await client(far)
      .watch()
      .prefix(prefix)
      .startRevision(String(revision + 1n))
      .create();
    watcher.on('put', ({ key }) => told.push(`put ${key.toString()}`));
    watcher.on('delete', ({ key }) => told.push(`delete ${key.toString()}`));
    await etcd.put(kitexKey('demoapi', '10.2.0.0:80')).value(kitexValue('10.2.0.0:80'));
    const publisher = await native.publish({ dataId: 'demoapi', data: ['tcp://10.2.0.1:8888?weight=10&idc=hl'] });
    const both = Object.fromEntries(
      ['10.2.0.0:80', '10.2.0.1:8888'].map((address) => [kitexKey('demoapi', address), kitexValue(address)]),
    );
    await until(async () => Object.keys(await shown()).length === 2);
    expect(await shown()).toEqual(both);
    expect(await etcd.getAll().prefix(prefix).limit(1).keys()).toEqual([kitexKey('demoapi', '10.2.0.0:80')]);
    expect(await etcd.get(kitexKey('demoapi', '10.2.0.1:8888')).string()).toBe(kitexValue('10.2.0.1:8888'));
    expect(await etcd.getAll().prefix('/micro/registry/demoapi/').keys()).toHaveLength(1);
    await publisher.unpublish();
    await until(async () => Object.keys(await shown()).length === 1);
    const [own, published] = [kitexKey('demoapi', '10.2.0.0:80'), kitexKey('demoapi', '10.2.0.1:8888')];
    await until(() => told.length === 3);
    expect(told).toEqual([`put ${own}`, `put ${published}`, `delete ${published}`]);
    await watcher.cancel();
  }, 30_000);

  it('keep their leases when a session server is killed, and when another is stopped', async () => {
    const lists = subscribe('demonote');
    const lost: unknown[] = [];
    const renewed: number[] = Array.from({ length: SERVICES }, () => 0);
    const leases = await Promise.all(
      renewed.map(async (_, index): Promise<Lease> => {
        const lease = client(...(index % 2 ? [near, far] : [far, near]), await etcdAddressOf(sessions[2]!)).lease(
          TTL_S,
        );
        lease.on('lost', (error) => lost.push(error));
        lease.on('keepaliveSucceeded', () => renewed[index]!++);
        const address = `10.1.0.${index}:80`;
        await lease.put(kitexKey('demonote', address)).value(kitexValue(address));
        return lease;
      }),
    );
    await until(() => lists.at(-1)?.length === SERVICES);
    const shown = lists.length;
    const forLong = async (): Promise<void> => {
      const before = [...renewed];
      // Longer than a lease, so that nothing is left that nobody has kept alive meanwhile.
      await setTimeout(TTL_S * 1_000);
      await until(() => lost.length > 0 || renewed.every((count, index) => count >= before[index]! + 3));
      expect(lost).toEqual([]);
    };
    await sessions[0]!.kill('SIGKILL');
    await forLong();
    await sessions[2]!.stop();
    await forLong();
    expect(lists.slice(shown).filter((list) => list.length < SERVICES)).toEqual([]);
    for (const lease of leases) await lease.revoke();
    await until(() => lists.at(-1)?.length === 0);
  }, 90_000);
});

async function etcdAddressOf({ httpAddress }: ClusterNode): Promise<string> {
  const { etcdAddress } = (await (await fetch(`http://${httpAddress}/version`)).json()) as { etcdAddress: string };
  return etcdAddress;
}
