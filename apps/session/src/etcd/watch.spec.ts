import type { EtcdStore, WatchEvent } from '#etcd';
import { MemoryStore } from '#etcd/testing';
import { type Edge, RawClient, type Stream, startEdge } from './etcd.harness.js';
import { WatchStream, fragmentsOf } from './watch-stream.js';

const bytes = (text: string) => Buffer.from(text);
const APP = { key: bytes('app/'), range_end: bytes('app0') };

describe('a watch over gRPC', () => {
  let store: MemoryStore;
  let edge: Edge;
  let client: RawClient;
  let stream: Stream;

  const put = (key: string, value: string) => client.call('KV.Put', { key: bytes(key), value: bytes(value) });
  const create = async (more: object = {}): Promise<Record<string, unknown>> => {
    stream.send({ create_request: { ...APP, ...more } });
    return stream.next();
  };

  beforeEach(async () => {
    store = new MemoryStore(() => 0);
    edge = await startEdge(store);
    client = new RawClient(edge.address);
    stream = client.stream('Watch.Watch');
  });

  afterEach(async () => {
    stream.cancel();
    client.close();
    await edge.close();
  });

  it('is told what changes in its range, each with what was before if it asks for that', async () => {
    expect(await create({ prev_kv: true })).toMatchObject({ watch_id: '0', created: true, canceled: false });
    await put('app/a', '1');
    await put('other', '1');
    await put('app/a', '2');
    await client.call('KV.DeleteRange', { key: bytes('app/a') });
    expect(await stream.next()).toMatchObject({
      ...{ watch_id: '0', header: { revision: '2' } },
      events: [{ type: 'PUT', kv: { key: bytes('app/a'), value: bytes('1'), version: '1' }, prev_kv: null }],
    });
    expect(await stream.next()).toMatchObject({ events: [{ type: 'PUT', prev_kv: { value: bytes('1') } }] });
    expect(await stream.next()).toMatchObject({
      events: [{ type: 'DELETE', kv: { key: bytes('app/a'), mod_revision: '5' }, prev_kv: { value: bytes('2') } }],
    });
  });

  it('from a revision is told what has happened since', async () => {
    await put('app/a', '1');
    await put('app/b', '1');
    await create({ start_revision: '3' });
    expect(await stream.next()).toMatchObject({ events: [{ kv: { key: bytes('app/b'), mod_revision: '3' } }] });
  });

  it('from a revision that is no longer kept ends, and says from where on it may begin anew', async () => {
    await put('app/a', '1');
    await put('app/b', '1');
    await client.call('KV.Compact', { revision: '3' });
    expect(await create({ start_revision: '2' })).toMatchObject({ created: true, canceled: false });
    expect(await stream.next()).toMatchObject({ ...{ watch_id: '0', canceled: true }, compact_revision: '3' });
  });

  it('is told of no puts or no deletions if it filters them', async () => {
    await create({ filters: ['NOPUT'] });
    await create({ filters: ['NODELETE'] });
    await put('app/a', '1');
    await client.call('KV.DeleteRange', { key: bytes('app/a') });
    const told = [await stream.next(), await stream.next()].map(({ watch_id, events }) => [
      watch_id,
      (events as { type: string }[])[0]!.type,
    ]);
    expect(told).toEqual([
      ['1', 'PUT'],
      ['0', 'DELETE'],
    ]);
  });

  it('without a key is of the lowest one, and of all from there on', async () => {
    stream.send({ create_request: { range_end: Buffer.alloc(1) } });
    expect(await stream.next()).toMatchObject({ created: true });
    await put('anything', '1');
    expect(await stream.next()).toMatchObject({ events: [{ kv: { key: bytes('anything') } }] });
  });

  it('is cancelled by its number, while others of the stream go on', async () => {
    await create();
    await create({ watch_id: '7' });
    stream.send({ cancel_request: { watch_id: '0' } });
    expect(await stream.next()).toMatchObject({ watch_id: '0', canceled: true });
    // Of one that there is not, nothing is said.
    stream.send({ cancel_request: { watch_id: '99' } });
    await put('app/a', '1');
    expect(await stream.next()).toMatchObject({ watch_id: '7', events: [{}] });
  });

  it('is refused under a number that another has', async () => {
    await create({ watch_id: '7' });
    expect(await create({ watch_id: '7' })).toMatchObject({
      ...{ watch_id: '-1', created: true, canceled: true },
      cancel_reason: 'etcdserver: mvcc: duplicate watch ID provided on the WatchStream',
    });
    expect(await create()).toMatchObject({ watch_id: '0', created: true });
    await put('app/a', '1');
    expect([await stream.next(), await stream.next()]).toMatchObject([{ watch_id: '7' }, { watch_id: '0' }]);
  });

  it('tells its progress when it is asked to, once for all watches of the stream', async () => {
    await put('app/a', '1');
    stream.send({ progress_request: {} });
    expect(await stream.next()).toMatchObject({ watch_id: '-1', events: [], header: { revision: '2' } });
    await create();
    await create();
    stream.send({ progress_request: {} });
    expect(await stream.next()).toMatchObject({ watch_id: '-1', events: [], header: { revision: '2' } });
    await put('app/a', '2');
    expect([await stream.next(), await stream.next()]).toMatchObject([{ watch_id: '0' }, { watch_id: '1' }]);
  });

  it('passes over a request that is none', async () => {
    stream.send({});
    expect(await create()).toMatchObject({ created: true });
  });

  it('ends where its client says that it will ask for no more', async () => {
    await create();
    stream.end();
    expect(await stream.ended).toEqual(['OK', 'OK']);
    expect(edge.streams.count).toBe(0);
  });

  it('ends with what its clients take for a reason to go elsewhere when the server goes', async () => {
    await create();
    edge.server.drain();
    expect(await stream.ended).toEqual(['UNAVAILABLE', 'etcdserver: server stopped']);
  });
});

/** A store whose watches say what a test has them say. */
class ToldStore implements Pick<EtcdStore, 'watch' | 'status'> {
  readonly listeners: ((event: WatchEvent) => void)[] = [];
  readonly cancelled: number[] = [];
  asked = 0;

  watch(_request: object, listener: (event: WatchEvent) => void) {
    const number = this.listeners.push(listener) - 1;
    return { cancel: () => void this.cancelled.push(number), requestProgress: () => void this.asked++ };
  }

  status() {
    return { header: head(1n), isServing: true };
  }
}

const head = (revision: bigint) => ({ clusterId: 1n, memberId: 1n, raftTerm: 1n, revision });
const created = { create_request: { ...APP, start_revision: '0', watch_id: '0', filters: [], prev_kv: false } };

describe('the watches of one stream', () => {
  const start = (maxWatches?: number) => {
    const store = new ToldStore();
    const sent: object[] = [];
    let isStopped = false;
    const sink = { send: (message: object) => void sent.push(message), stop: () => void (isStopped = true) };
    const stream = new WatchStream(store, sink, maxWatches);
    const create = (more: object = {}) =>
      stream.receive({
        create_request: { ...created.create_request, progress_notify: false, fragment: false, ...more },
      });
    return { store, sent, stream, create, isStopped: () => isStopped };
  };

  it('are as many as are allowed', () => {
    const { create, sent } = start(2);
    for (let n = 0; n < 3; n++) create();
    expect(sent).toMatchObject([{ watch_id: '-1', canceled: true, cancel_reason: 'etcdserver: too many requests' }]);
  });

  it('have made progress when the last of them has told everything, or has ended', () => {
    const { store, create, sent, stream } = start();
    for (let n = 0; n < 3; n++) create();
    stream.receive({ progress_request: {} });
    stream.receive({ progress_request: {} });
    expect(store.asked).toBe(3);
    store.listeners[0]!({ type: 'progress', header: head(5n) });
    store.listeners[1]!({ type: 'ended', header: head(6n), reason: 'compacted', compactRevision: 4n });
    expect(sent).toMatchObject([{ watch_id: '1', canceled: true, compact_revision: '4' }]);
    store.listeners[2]!({ type: 'progress', header: head(7n) });
    expect(sent.slice(1)).toEqual([{ header: expect.objectContaining({ revision: '5' }), watch_id: '-1' }]);
  });

  it('tell their own progress to whoever wants to be told', () => {
    const { store, create, sent } = start();
    create();
    create({ progress_notify: true });
    for (const listener of store.listeners) listener({ type: 'progress', header: head(5n) });
    expect(sent).toEqual([{ header: expect.objectContaining({ revision: '5' }), watch_id: '1' }]);
  });

  it('say why they were refused', () => {
    const { store, create, sent } = start();
    create();
    store.listeners[0]!({ type: 'created', header: head(1n) });
    store.listeners[0]!({ type: 'ended', header: head(1n), reason: 'refused', code: 'OVERLOADED' });
    expect(sent).toMatchObject([
      { watch_id: '0', created: true },
      { watch_id: '0', canceled: true, cancel_reason: 'etcdserver: too many requests' },
    ]);
  });

  it('end the stream where the store stops, and say nothing more of one that has ended', () => {
    const { store, create, sent, isStopped } = start();
    create();
    store.listeners[0]!({ type: 'ended', header: head(1n), reason: 'stopped' });
    store.listeners[0]!({ type: 'progress', header: head(5n) });
    expect([sent, isStopped()]).toEqual([[], true]);
  });

  it('are cancelled when nobody listens any more', () => {
    const { store, create, stream } = start();
    for (let n = 0; n < 2; n++) create();
    stream.close();
    stream.close();
    expect(store.cancelled).toEqual([0, 1]);
  });

  it('tell a client that can take parts no more at once than fits in a message', () => {
    const event = (size: number) => ({
      type: 'put' as const,
      kv: {
        ...{ key: bytes('a'), value: Buffer.alloc(size) },
        ...{ createRevision: 1n, modRevision: 1n, version: 1n, lease: 0n },
      },
    });
    const sizes = (most: number) =>
      fragmentsOf([event(100), event(100), event(1_000), event(1)], most).map(({ events }) => events.length);
    expect(sizes(Infinity)).toEqual([4]);
    expect(sizes(400)).toEqual([2, 1, 1]);
    const { store, create, sent } = start();
    create({ fragment: true });
    const events = [event(1024 * 1024), event(1024 * 1024)];
    store.listeners[0]!({ type: 'events', header: head(2n), events });
    expect(sent).toMatchObject([{ fragment: true }, { fragment: false }]);
  });
});
