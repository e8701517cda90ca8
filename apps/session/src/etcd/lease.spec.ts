import { EtcdError, type EtcdStore } from '#etcd';
import { MemoryStore } from '#etcd/testing';
import { type Edge, RawClient, failureOf, startEdge } from './etcd.harness.js';

describe('leases over gRPC', () => {
  let nowMs = 0;
  let store: MemoryStore;
  let edge: Edge;
  let client: RawClient;

  const start = async (given: EtcdStore): Promise<void> => {
    edge = await startEdge(given);
    client = new RawClient(edge.address);
  };

  beforeEach(async () => {
    nowMs = 0;
    store = new MemoryStore(() => nowMs);
    await start(store);
  });

  afterEach(async () => {
    client.close();
    await edge.close();
  });

  it('are granted, looked at, listed and revoked', async () => {
    expect(await client.call('Lease.LeaseGrant', { ID: '7', TTL: '60' })).toMatchObject({ ID: '7', TTL: '60' });
    await client.call('KV.Put', { key: Buffer.from('a'), value: Buffer.from('1'), lease: '7' });
    nowMs = 10_000;
    expect(await client.call('Lease.LeaseTimeToLive', { ID: '7', keys: true })).toMatchObject({
      ...{ ID: '7', TTL: '50', grantedTTL: '60', keys: [Buffer.from('a')] },
    });
    expect(await client.call('Lease.LeaseTimeToLive', { ID: '7' })).toMatchObject({ keys: [] });
    expect(await client.call('Lease.LeaseLeases')).toMatchObject({ leases: [{ ID: '7' }] });
    await client.call('Lease.LeaseRevoke', { ID: '7' });
    expect(await client.call('KV.Range', { key: Buffer.from('a') })).toMatchObject({ count: '0' });
    expect(await client.call('Lease.LeaseTimeToLive', { ID: '7' })).toMatchObject({ ID: '7', TTL: '-1' });
    expect(await failureOf(client.call('Lease.LeaseRevoke', { ID: '7' }))).toEqual([
      'NOT_FOUND',
      'etcdserver: requested lease not found',
    ]);
  });

  it('of nothing last the least that there is, and of a year a year', async () => {
    const { TTL } = await client.call('Lease.LeaseGrant', { TTL: '0' });
    expect(Number(TTL)).toBeGreaterThan(0);
    expect(await client.call('Lease.LeaseGrant', { TTL: '31536000' })).toMatchObject({ TTL: '31536000' });
    expect(await failureOf(client.call('Lease.LeaseGrant', { TTL: '9000000001' }))).toEqual([
      'OUT_OF_RANGE',
      'etcdserver: too large lease TTL',
    ]);
    expect(await failureOf(client.call('Lease.LeaseGrant', { ID: '7', TTL: '5' }))).toEqual(['OK', '']);
    expect(await failureOf(client.call('Lease.LeaseGrant', { ID: '7', TTL: '5' }))).toEqual([
      'FAILED_PRECONDITION',
      'etcdserver: lease already exists',
    ]);
  });

  it('are kept alive over one stream, each by itself; of one that there is not the time to live is 0', async () => {
    await client.call('Lease.LeaseGrant', { ID: '7', TTL: '60' });
    const stream = client.stream('Lease.LeaseKeepAlive');
    nowMs = 50_000;
    stream.send({ ID: '7' });
    expect(await stream.next()).toMatchObject({ ID: '7', TTL: '60' });
    stream.send({ ID: '8' });
    expect(await stream.next()).toMatchObject({ ID: '8', TTL: '0' });
    nowMs = 100_000;
    expect(await client.call('Lease.LeaseTimeToLive', { ID: '7' })).toMatchObject({ TTL: '10' });
    stream.end();
    expect(await stream.ended).toEqual(['OK', 'OK']);
  });

  it('end the stream of their keepalives where it is not known whether there is one', async () => {
    client.close();
    await edge.close();
    const unknown: Partial<EtcdStore> = { keepAlive: () => Promise.reject(new EtcdError('UNAVAILABLE')) };
    await start(unknown as EtcdStore);
    const stream = client.stream('Lease.LeaseKeepAlive');
    stream.send({ ID: '7' });
    expect(await stream.ended).toEqual(['UNAVAILABLE', 'etcdserver: no leader']);
    expect(edge.streams.count).toBe(0);
  });

  it('have so many keepalives of a stream read at a time, and the others then', async () => {
    client.close();
    await edge.close();
    const waiting: (() => void)[] = [];
    const header = { clusterId: 1n, memberId: 1n, revision: 1n, raftTerm: 1n };
    let arrived = (): void => {};
    const slow: Partial<EtcdStore> = {
      status: () => ({ header, isServing: true }),
      keepAlive: (id) =>
        new Promise((resolve) => {
          waiting.push(() => resolve({ header, id, ttlS: 1n }));
          arrived();
        }),
    };
    await start(slow as EtcdStore);
    const stream = client.stream('Lease.LeaseKeepAlive');
    for (let id = 1; id <= 300; id++) stream.send({ ID: String(id) });
    while (waiting.length < 256) await new Promise<void>((resolve) => (arrived = resolve));
    await client.call('Maintenance.Status');
    // What gRPC had taken from the socket by then may come on top.
    expect(waiting.length).toBeLessThan(300);
    const ids = new Set<unknown>();
    while (ids.size < 300) {
      for (const answer of waiting.splice(0)) answer();
      ids.add((await stream.next())['ID']);
    }
    stream.cancel();
  });
});
