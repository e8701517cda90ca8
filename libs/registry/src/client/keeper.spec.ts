import type { PublisherView, Push } from '#model';
import type { KeptView } from './contract.js';
import { ClientHarness } from './core.harness.js';

const view = (registerId: string, ...data: string[]): PublisherView => ({
  ...{ registerId, zone: '', appName: '', registerTimestamp: 1, data },
});
const snapshot = (version: string, ...publishers: PublisherView[]): Push => ({
  ...{ type: 'snapshot', dataInfoId: 'd', clusterId: 'c1', version, publishers },
});
const kept = (version: string, ...publishers: PublisherView[]): KeptView => ({
  ...{ dataInfoId: 'd', clusterId: 'c1', version, publishers },
});
const keeps = (client: ClientHarness): string[] => client.transcript().filter((line) => line.startsWith('keep'));

function keeping(options: ConstructorParameters<typeof ClientHarness>[0] = {}): ClientHarness {
  const client = new ClientHarness({ keep: true, ...options }).start({ sessions: ['b:1'] });
  client.subscribe(1);
  return client;
}

describe('what is kept on disk', () => {
  it('is what is held, at once at first, then once a round as it is by then', () => {
    const client = keeping();
    client.push(snapshot('1.1', view('r1', 'a')));
    expect(keeps(client)).toEqual(['keep 1 1.1 [r1=a]']);
    client.do({ type: 'kept', batch: 1 });
    for (const data of ['b', 'c', 'd']) client.pass(100).push(snapshot('1.2', view('r1', data)));
    client.push(snapshot('1.9', view('r1', 'd')));
    expect(keeps(client)).toEqual([]);
    client.pass(1_000);
    expect(keeps(client)).toEqual(['keep 2 1.9 [r1=d]']);
    client.do({ type: 'kept', batch: 2 });
    client.push({ type: 'unchanged', dataInfoId: 'd', clusterId: 'c1', version: '1.9' });
    client.pass(5_000);
    expect(keeps(client)).toEqual([]);
  });

  it('waits for a disk that is slow, in no more room than what is held takes', () => {
    const client = keeping();
    client.push(snapshot('1.1'));
    for (let i = 2; i < 50; i++) client.push(snapshot(`1.${i}`, view('r1', String(i))));
    client.pass(2_500);
    expect(keeps(client)).toEqual(['keep 1 1.1 []']);
    client.do({ type: 'kept', batch: 1 });
    expect(keeps(client)).toEqual(['keep 2 1.49 [r1=49]']);
  });

  it('is written some views at a time, and all of them in one round', () => {
    const client = keeping();
    client.push(snapshot('1.1'));
    for (let i = 2; i <= 251; i++) {
      client.subscribe(i, { dataId: `d${i}` });
      client.push(snapshot('1.1'));
    }
    const batches: number[] = [];
    for (let batch = 1; batch <= 5; batch++) {
      client.do({ type: 'kept', batch });
      if (batch === 1) client.pass(1_000);
      const { batch: last, views } = client.last('keep');
      if (last > batch) batches.push(views.length);
    }
    expect(batches).toEqual([100, 100, 50]);
  });

  it('is no incomplete answer, nor what nobody subscribes to any more', () => {
    const client = keeping();
    client.push({ type: 'pending', dataInfoId: 'd' });
    client.push({ ...snapshot('1.1', view('r1')), type: 'partial', removed: [] } as Push);
    expect(keeps(client)).toEqual([]);
    client.push(snapshot('1.2'));
    client.do({ type: 'kept', batch: 1 });
    client.push(snapshot('1.3'));
    client.do({ type: 'unsubscribe', subscriber: 1 });
    client.pass(2_000);
    expect(keeps(client)).toEqual(['keep 1 1.2 []']);
  });

  it('is finished when the client closes, whatever the disk is doing', () => {
    const client = keeping();
    client.push(snapshot('1.1'));
    client.push(snapshot('1.2', view('r1', 'a')));
    client.close(false);
    expect(client.transcript().slice(-4)).toEqual(['hangUp 1', 'keep 2 1.2 [r1=a]', 'settled 1 accepted', 'closed']);
  });

  it('includes the session servers of the cluster, when they are others', () => {
    const client = new ClientHarness({ keep: true, kept: { clusterId: 'c1', sessions: ['b:1'] } });
    client.do({ type: 'start' });
    client.welcome({ sessions: ['b:1'] });
    client.notice({ type: 'servers', sessions: ['b:1', 'c:1'], reconnectSpreadMs: 0 });
    expect(keeps(client)).toEqual(['keep c1: b:1 c:1']);
  });

  it('is nothing unless it is asked for', () => {
    const client = new ClientHarness().start();
    client.subscribe(1);
    client.push(snapshot('1.1'));
    client.close(false);
    expect(keeps(client)).toEqual([]);
  });
});

describe('what was kept', () => {
  it('goes on with changes where its hashes were kept too, and is worth less where they do not fit', () => {
    const [one, two, three] = ['1', '2', '3'].map((digit) => digit.padStart(16, '0'));
    const client = keeping();
    client.push({ ...(snapshot('1.1', view('r1', 'a')) as Push & { type: 'snapshot' }), hashes: [one!], hash: one! });
    const [written] = client.last('keep').views;
    expect(written).toMatchObject({ hashes: [one], hash: one });
    const next = new ClientHarness({ keep: true }).start();
    next.subscribe(1, {}, written);
    expect(next.transcript()).toContainEqual(`subscribe 1.1 d from c1/1.1/${one}`);
    const change = { dataInfoId: 'd', clusterId: 'c1', from: '1.1', version: '1.2', removed: [] };
    next.push({ ...change, type: 'delta', publishers: [view('r2', 'b')], hashes: [two!], hash: three! });
    expect(next.transcript().slice(0, 2)).toEqual(['ack 1.1 1.2', 'changed 1 current 1.2 [r1=a r2=b]']);
    next.subscribe(2, {}, { ...written!, hash: two! });
    expect(next.transcript()).toContainEqual('subscribe 2.2 d from c1/1.1');
  });

  it('is shown at once, as stale, and told as the base, until the first complete answer', () => {
    const client = new ClientHarness();
    client.subscribe(1, {}, kept('3.7', view('r1', 'a'), view('r2', 'b')));
    expect(client.transcript()).toEqual(['changed 1 stale 3.7 [r1=a r2=b]']);
    client.do({ type: 'start' });
    client.welcome();
    expect(client.transcript().at(-1)).toBe('subscribe 1.1 d from c1/3.7');
    client.push({ ...snapshot('4.1', view('r1', 'c')), type: 'partial', removed: [] } as Push);
    expect(client.transcript()).toEqual(['ack 1.1 4.1', 'changed 1 stale 4.1 [r1=c r2=b]']);
    client.push(snapshot('4.2', view('r1', 'c')));
    expect(client.transcript()).toEqual(['ack 1.1 4.2', 'changed 1 current 4.2 [r1=c]']);
  });

  it('is current as soon as a server says that nothing has changed', () => {
    const client = new ClientHarness().start();
    client.subscribe(1, {}, kept('3.7', view('r1', 'a')));
    client.push({ type: 'unchanged', dataInfoId: 'd', clusterId: 'c1', version: '3.7' });
    expect(client.transcript().at(-1)).toBe('changed 1 current 3.7 [r1=a]');
  });

  it('is not gone back from by a server that is behind', () => {
    const client = new ClientHarness().start();
    client.subscribe(1, {}, kept('3.7', view('r1', 'a')));
    client.push(snapshot('3.6'));
    expect(client.core.current(1)).toMatchObject({ stale: true, version: '3.7', publishers: [{ registerId: 'r1' }] });
  });

  it('is left alone where another cluster serves the client', () => {
    const client = new ClientHarness().start({ clusterId: 'c2' });
    client.subscribe(1, {}, kept('3.7', view('r1', 'a')));
    expect(client.transcript()).toEqual(['subscribe 1.1 d']);
    expect(client.core.current(1)).toEqual({ dataInfoId: expect.any(String), state: 'pending', publishers: [] });
  });

  it('names servers that are tried before the seeds, which are tried all the same', () => {
    const client = new ClientHarness({ seeds: ['a:1'], kept: { clusterId: 'c1', sessions: ['k:1', 'l:1'] } });
    client.do({ type: 'start' });
    for (let i = 0; i < 2; i++) client.drop().pass(450);
    const dialled = client.effects.flatMap((effect) => (effect.type === 'dial' ? [effect.address] : []));
    expect(dialled.slice(0, 2).toSorted()).toEqual(['k:1', 'l:1']);
    expect(dialled[2]).toBe('a:1');
    client.do({ type: 'connected', connection: client.connection });
    expect(client.last('hello').hello.clusterId).toBe('c1');
  });
});
