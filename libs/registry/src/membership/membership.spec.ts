import type { FromMeta, RoutingTable } from '#model';
import { type MetaNode, MetaWorld } from '../meta/meta-world.harness.js';
import { Membership } from './membership.js';

const LEASE_MS = 3_000;

describe('Membership', () => {
  let world: MetaWorld;
  let meta: MetaNode;

  beforeEach(() => {
    world = new MetaWorld();
  });

  const startMeta = (): void => {
    meta = world.meta('meta:1');
    world.elect('meta:1');
  };
  const logged = (event: string) => world.logs.filter((log) => log.event === event);

  it('says once that it waits for meta, and goes on when meta comes', () => {
    const data = world.member('a', { metas: ['meta:1'] });
    world.run(30_000);
    expect(logged('waiting-for-meta')).toHaveLength(1);
    expect(logged('waiting-for-meta')[0]!.fields).toMatchObject({ addresses: ['meta:1'] });
    startMeta();
    expect(world.until(() => data.membership.state === 'joined')).toBeLessThan(2_500);
    expect(logged('joined')).toHaveLength(1);
    expect(data.membership.table).toBe(world.state.table);
  });

  it('dials ever more slowly while nobody answers, but never rarer than every two seconds', () => {
    const data = world.member('a', { metas: ['meta:1'] });
    world.run(1_000);
    const early = data.dials.length;
    world.run(60_000);
    const later = data.dials.length - early;
    expect(early).toBeGreaterThanOrEqual(4);
    expect(later).toBeGreaterThanOrEqual(30);
    expect(later).toBeLessThanOrEqual(62);
  });

  it('holds on to its table and incarnation while meta is away, and rejoins when it is back', () => {
    startMeta();
    const data = world.member('a');
    world.until(() => data.membership.state === 'joined');
    world.run(1_000);
    const { table } = data.membership;
    meta.crash();
    world.run(20_000);
    expect(data.membership).toMatchObject({ state: 'lost', table });
    expect(logged('meta-lost')).toHaveLength(1);
    expect(logged('waiting-for-meta')).toHaveLength(1);
    world.meta('meta:1');
    world.until(() => data.membership.state === 'joined');
    expect(data).toMatchObject({ timesJoined: 2, expelled: false });
    // It happens again, and is said again.
    world.metas.get('meta:1')!.crash();
    world.run(20_000);
    expect(logged('waiting-for-meta')).toHaveLength(2);
  });

  it('replaces a link that went silent before meta would take it for dead', () => {
    startMeta();
    const data = world.member('a');
    world.until(() => data.membership.state === 'joined');
    world.run(1_000);
    for (const link of world.linksOf(data)) link.silent = true;
    world.until(() => data.timesJoined === 2);
    world.run(LEASE_MS * 3);
    expect(data.expelled).toBe(false);
    expect(world.state.table.departed).toEqual([]);
  });

  it('does not blame the link for a stall of its own', () => {
    startMeta();
    const data = world.member('a');
    world.until(() => data.membership.state === 'joined');
    // Right after an acknowledgement, so that none waits unread when it goes on.
    world.run(1_100);
    data.process.pause();
    world.run((LEASE_MS * 5) / 6);
    data.process.resume();
    world.run(LEASE_MS * 2);
    expect(data).toMatchObject({ timesJoined: 1, expelled: false });
  });

  it('does not blame the link for acknowledgements that wait to be read', () => {
    const self = {
      role: 'session',
      incarnation: 'a',
      address: 'a:1',
      httpAddress: 'a:2',
      zone: '',
      weight: 1,
    } as const;
    const membership = new Membership({ self, metaAddresses: ['meta:1'], random: world.random });
    const hello = { protocol: 1, role: 'meta' as const, incarnation: 'm' };
    membership.step(0, { type: 'start' });
    membership.step(1, { type: 'linkUp', link: 1, direction: 'out', address: 'meta:1', hello });
    const joined = { kind: 'joined', clusterId: 'c', incarnation: 'a', leaseMs: LEASE_MS, heartbeatMs: 500 } as const;
    membership.step(10, { type: 'received', link: 1, message: joined });
    // Much else is read, and heartbeats go out on time.
    let heartbeats = 0;
    for (let nowMs = 500; nowMs < 10_000; nowMs += 100) {
      const { effects } = membership.step(nowMs, { type: 'wake' }, 400);
      heartbeats += effects.filter((effect) => effect.type === 'send' && effect.message.kind === 'heartbeat').length;
    }
    expect(heartbeats).toBeGreaterThanOrEqual(19);
    expect(membership.state).toBe('joined');
    // They were not there.
    membership.step(10_000, { type: 'wake' }, 9_900);
    expect(membership.state).toBe('lost');
  });

  it('dates what meta says back to the asking', () => {
    startMeta();
    world.latencyMs = 40;
    const data = world.member('a');
    world.until(() => data.membership.settledReadAtMs !== undefined);
    const first = data.membership.settledReadAtMs;
    world.until(() => data.membership.settledReadAtMs !== first);
    expect(world.nowMs - data.membership.settledReadAtMs!).toBeGreaterThanOrEqual(80);
  });

  it('counts a read only once it has the table that the read told of', () => {
    const self = { role: 'data', incarnation: 'a', address: 'a:1', httpAddress: 'a:2', zone: '', weight: 1 } as const;
    const membership = new Membership({ self, metaAddresses: ['meta:1'], random: world.random });
    const hello = { protocol: 1, role: 'meta' as const, incarnation: 'm' };
    const from = (nowMs: number, message: FromMeta) => membership.step(nowMs, { type: 'received', link: 1, message });
    const table = (epoch: number): RoutingTable => ({ clusterId: 'c', epoch, slots: [], members: [], departed: [] });
    const acknowledge = (nowMs: number, sequence: number, tableEpoch: number) =>
      from(nowMs, { kind: 'heartbeatAck', sequence, tableEpoch, settled: true });

    membership.step(0, { type: 'start' });
    membership.step(1, { type: 'linkUp', link: 1, direction: 'out', address: 'meta:1', hello });
    from(10, { kind: 'joined', clusterId: 'c', incarnation: 'a', leaseMs: LEASE_MS, heartbeatMs: 500 });
    from(10, { kind: 'table', table: table(5) });
    acknowledge(11, 1, 6);
    expect(membership.settledReadAtMs).toBeUndefined();
    from(12, { kind: 'table', table: table(6) });
    membership.step(510, { type: 'wake' });
    acknowledge(520, 2, 6);
    expect(membership.settledReadAtMs).toBe(510);
  });

  it('finds the leader among several, also when the one it asks does not know who leads', () => {
    world.meta('meta:1');
    world.meta('meta:2');
    world.meta('meta:3');
    const nodes = ['a', 'b', 'c', 'd'].map((name) => world.member(name));
    world.run(1_000);
    expect(nodes.some(({ membership }) => membership.state === 'joined')).toBe(false);
    world.elect('meta:2');
    for (const node of nodes) world.until(() => node.membership.state === 'joined', 3_000);
    expect(world.linksOf(world.metas.get('meta:2')!)).toHaveLength(4);
  });

  it('follows a follower to the leader without a pause, also to an address it was not told of', () => {
    world.meta('meta:1');
    world.meta('meta:2');
    world.elect('meta:2');
    const data = world.member('a', { metas: ['meta:1'] });
    expect(world.until(() => data.membership.state === 'joined')).toBeLessThan(50);
    expect(data.dials).toEqual(['meta:1', 'meta:2']);
  });

  it('moves over when the leader steps down', () => {
    world.meta('meta:1');
    world.meta('meta:2');
    world.elect('meta:1');
    const data = world.member('a');
    world.until(() => data.membership.state === 'joined');
    world.run(1_000);
    world.elect('meta:2');
    expect(world.until(() => data.timesJoined === 2)).toBeLessThan(110);
    world.run(LEASE_MS * 2);
    expect(data.expelled).toBe(false);
    expect(world.linksOf(data).map((link) => link.meta.address)).toEqual(['meta:2']);
  });

  it('does not meet the next leader together with all others when one steps down', () => {
    world.meta('meta:1');
    world.meta('meta:2');
    world.elect('meta:1');
    const members = Array.from({ length: 50 }, (_, n) => world.join(`m${n}`));
    for (const member of members) member.dials.length = 0;
    world.elect('meta:2');
    const back: number[] = [];
    for (let atMs = 0; atMs < 150; atMs++) {
      world.run(1);
      back.push(members.filter(({ timesJoined }) => timesJoined === 2).length);
    }
    expect(back.at(-1)).toBe(50);
    const together = back.map((count, atMs) => count - (back[atMs - 1] ?? 0));
    expect(Math.max(...together)).toBeLessThan(10);
    expect(members.every(({ dials }) => dials.join() === 'meta:2')).toBe(true);
  });

  it('is not spun by two servers that each name the other as leader', () => {
    const first = world.meta('meta:1');
    const second = world.meta('meta:2');
    first.step({ type: 'leadership', term: 9, leading: false, leader: 'meta:2' });
    second.step({ type: 'leadership', term: 9, leading: false, leader: 'meta:1' });
    const data = world.member('a');
    world.run(10_000);
    expect(data.dials.length).toBeLessThan(40);
  });

  it('passes by an address from which nothing comes back', () => {
    const dark = world.meta('meta:1');
    dark.unreachable = true;
    world.meta('meta:2');
    world.elect('meta:2');
    const nodes = ['a', 'b', 'c', 'd'].map((name) => world.member(name));
    for (const node of nodes) world.until(() => node.membership.state === 'joined', 3_000);
    world.run(10_000);
    for (const node of nodes) expect(node.timesJoined).toBe(1);
  });

  it('is heard by the next leader within its lease, when the machines of two meta servers vanish, the leader among them', () => {
    const metas = [1, 2, 3, 4, 5].map((number) => world.meta(`meta:${number}`));
    world.elect('meta:1');
    const nodes = Array.from({ length: 12 }, (_, number) => world.join(`node-${number}`));
    world.run(1_000);
    for (const meta of metas.slice(0, 2)) {
      meta.process.alive = false;
      meta.unreachable = true;
      for (const link of world.linksOf(meta)) link.silent = true;
    }
    world.run(500);
    world.elect('meta:3');
    world.run(LEASE_MS * 2);
    expect(nodes.filter(({ expelled }) => expelled)).toEqual([]);
    expect(world.state.table.departed).toEqual([]);
    expect(nodes.every(({ membership }) => membership.state === 'joined')).toBe(true);
  });

  it('takes tables of its own cluster, newer than the one it has, from whoever has them', () => {
    startMeta();
    const data = world.member('a');
    const { membership } = data;
    expect(membership.offer({ ...world.state.table, clusterId: 'x', epoch: 99 })).toBe(false);
    world.until(() => membership.state === 'joined');
    world.run(1_000);
    const table = membership.table!;
    expect(membership.offer({ ...table, epoch: table.epoch - 1 })).toBe(false);
    expect(membership.offer(table)).toBe(false);
    expect(membership.offer({ ...table, clusterId: 'another', epoch: table.epoch + 1 })).toBe(false);
    expect(membership.offer({ ...table, epoch: table.epoch + 1 })).toBe(true);
    expect(membership.table!.epoch).toBe(table.epoch + 1);
  });

  it('starts from the table it saved', () => {
    startMeta();
    const first = world.member('a', { address: 'host:1' });
    world.until(() => first.membership.state === 'joined');
    world.run(100);
    first.crash();
    const table = first.membership.table!;
    const second = world.member('b', { address: 'host:1', table });
    expect(second.membership).toMatchObject({ clusterId: table.clusterId, table });
    world.until(() => second.epochs.length > 0);
    expect(second.membership.table!.epoch).toBeGreaterThan(table.epoch);
  });

  it('owns the events of meta links, and no others', () => {
    startMeta();
    const { membership } = world.member('a');
    world.until(() => membership.state === 'joined');
    const [link] = [...world.links];
    const hello = { protocol: 1, role: 'session' as const, incarnation: 's' };
    expect(membership.owns({ type: 'received', link: link!.id, message: {} } as { type: string })).toBe(true);
    expect(membership.owns({ type: 'received', link: 77, message: {} } as { type: string })).toBe(false);
    const inbound = { type: 'linkUp', link: 77, direction: 'in', address: 'x:1', hello };
    expect(membership.owns(inbound as { type: string })).toBe(false);
    expect(membership.owns({ type: 'dialFailed', address: 'x:1' } as { type: string })).toBe(false);
    expect(membership.owns({ type: 'clientConnected' })).toBe(false);
  });

  it('reports as suspect whom the table names, each at most every 250 ms, and only while meta is there', () => {
    startMeta();
    const data = world.member('a');
    const { membership } = data;
    expect(membership.suspect(world.nowMs, 'b')).toEqual([]);
    world.join('b');
    world.join('c');
    world.run(100);
    const suspect = (name: string) => membership.suspect(world.nowMs, name);
    const link = world.linksOf(data)[0]!.id;
    expect(suspect('b')).toEqual([{ type: 'send', link, message: { kind: 'suspect', incarnation: 'b' } }]);
    expect(suspect('b')).toEqual([]);
    expect(suspect('c')).toHaveLength(1);
    expect(suspect('nobody')).toEqual([]);
    world.run(250);
    expect(suspect('b')).toHaveLength(1);
    meta.crash();
    world.run(250);
    expect(suspect('b')).toEqual([]);
  });

  it('does nothing any more once it has left', () => {
    startMeta();
    const data = world.member('a');
    world.until(() => data.membership.state === 'joined');
    data.step({ type: 'stop' });
    expect(data.membership.wakeAtMs).toBeUndefined();
    world.run(LEASE_MS * 2);
    expect(data.membership.state).toBe('stopped');
    expect(data.dials).toHaveLength(1);
  });
});
