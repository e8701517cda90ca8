import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RegistryError } from '#model';
import { FakeRegistry, FakeSession } from './fake-session.harness.js';
import { RegistryClient, type RegistryClientOptions } from './registry-client.js';
import type { Subscriber } from './subscriber.js';
import type { SubscriberSnapshot } from '#registry';

const FAST = { reconnectMinMs: 5, reconnectMaxMs: 50 };

let registry: FakeRegistry;
let session: FakeSession;
const sessions: FakeSession[] = [];
const clients: RegistryClient[] = [];

beforeEach(async () => {
  registry = new FakeRegistry();
  session = await another();
});

async function closeClients(): Promise<void> {
  await Promise.all(clients.splice(0).map((client) => client.close({ drain: false })));
}

afterEach(async () => {
  await closeClients();
  await Promise.all(sessions.splice(0).map((server) => server.kill()));
});

async function another(): Promise<FakeSession> {
  const server = await new FakeSession(registry).listen();
  sessions.push(server);
  return server;
}

function newClient(options: Partial<RegistryClientOptions> = {}): RegistryClient {
  const client = new RegistryClient({ seeds: [session.address], limits: FAST, ...options });
  clients.push(client);
  return client;
}

/** Resolves with the first state of the subscriber that satisfies `wanted`, the present one included. */
async function until(subscriber: Subscriber, wanted: (dataOfAll: string[]) => boolean): Promise<string[]> {
  for await (const { publishers } of subscriber) {
    const data = publishers.flatMap((publisher) => publisher.data).toSorted();
    if (wanted(data)) return data;
  }
  throw new Error('The subscriber closed before.');
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(() => undefined).catch((reason: unknown) => reason);
  return error instanceof RegistryError ? error.code : `no RegistryError: ${String(error)}`;
}

describe('the whole path', () => {
  it('what one client publishes, another is pushed, and asks for', async () => {
    const api = newClient();
    const subscriber = api.subscribe({ dataId: 'user' });
    expect(subscriber.current()).toEqual({ dataInfoId: expect.any(String), state: 'pending', publishers: [] });
    expect(await subscriber.ready()).toMatchObject({ state: 'current', publishers: [] });

    const publisher = await newClient({ appName: 'users', zone: 'z1' }).publish({
      dataId: 'user',
      data: ['tcp://a:1'],
    });
    expect(publisher).toMatchObject({
      registerId: expect.stringMatching(/./),
      dataInfoId: 'user#@#DEFAULT_INSTANCE_ID#@#DEFAULT_GROUP',
    });
    expect(await until(subscriber, (data) => data.length === 1)).toEqual(['tcp://a:1']);
    expect(subscriber.current().publishers[0]).toMatchObject({ appName: 'users', zone: 'z1' });

    await publisher.republish(['tcp://a:2']);
    expect(await until(subscriber, (data) => data[0] === 'tcp://a:2')).toHaveLength(1);
    expect((await api.query({ dataId: 'user' })).publishers).toHaveLength(1);

    await publisher.unpublish();
    expect(await until(subscriber, (data) => data.length === 0)).toEqual([]);
  });

  it('a list handed in can be changed afterwards without harm', async () => {
    const client = newClient();
    const data = ['v1'];
    const published = client.publish({ dataId: 'user', data });
    data.push('v2');
    await published;
    expect(registry.list('user')[0]?.data).toEqual(['v1']);
  });

  it('closing says goodbye and takes everything with it', async () => {
    const client = newClient();
    await client.publish({ dataId: 'user', data: ['v'] });
    await Promise.all([client.close(), client.close()]);
    expect(registry.list('user')).toEqual([]);
    expect(client.state).toBe('closed');
    expect(await codeOf(client.publish({ dataId: 'user', data: [] }))).toBe('SHUTTING_DOWN');
    expect(await codeOf(client.connect())).toBe('SHUTTING_DOWN');
    expect(() => client.subscribe({ dataId: 'user' })).toThrow(RegistryError);
  });

  it('closing without drain leaves the publications to the grace', async () => {
    const client = newClient();
    await client.publish({ dataId: 'user', data: ['v'] });
    await client.close({ drain: false });
    expect(session.count('registry.goodbye')).toBe(0);
    expect(registry.list('user')).toHaveLength(1);
  });
});

describe('when servers die', () => {
  it('publishers and subscribers go on elsewhere, and the list never shrinks', async () => {
    const other = await another();
    const client = newClient();
    const states: string[] = [];
    client.on('state', (state) => states.push(state));
    await client.publish({ dataId: 'user', registerId: 'r1', data: ['v1'] });
    const subscriber = client.subscribe({ dataId: 'user' });
    const lengths: number[] = [];
    await until(subscriber, (data) => data.length === 1);
    subscriber.on('change', (snapshot) => lengths.push(snapshot.publishers.length));

    const before = registry.publications.get('r1')!.operation.stamp!;
    await session.kill();
    await client.publish({ dataId: 'user', registerId: 'r2', data: ['v2'] });
    expect(await until(subscriber, (data) => data.length === 2)).toEqual(['v1', 'v2']);
    expect(Math.min(...lengths)).toBeGreaterThanOrEqual(1);
    expect(states).toEqual(['ready', 'degraded', 'ready']);
    const after = registry.publications.get('r1')!.operation.stamp!;
    expect(after[1]).toBeGreaterThan(before[1]);
    expect(other.received.find(({ pattern }) => pattern === 'registry.subscribe')?.data).toMatchObject({
      base: { clusterId: 'c1' },
    });
  });

  it('a client started before any server waits for it', async () => {
    await session.kill();
    const client = newClient();
    const published = client.publish({ dataId: 'user', data: ['v'] });
    const asked = client.query({ dataId: 'user' });
    await new Promise((resolve) =>
      client.on('log', ({ event }) => event === 'connection-failed' && resolve(undefined)),
    );
    await session.listen();
    await published;
    expect(await asked).toMatchObject({ clusterId: 'c1' });
    expect(registry.list('user')).toHaveLength(1);
  });

  it('asked to move, it moves, and takes its publications along', async () => {
    const other = await another();
    const client = newClient();
    await client.publish({ dataId: 'user', registerId: 'r1', data: ['v'] });
    const subscriber = client.subscribe({ dataId: 'user' });
    await subscriber.ready();
    session.notify({ type: 'move', reason: 'stopping', spreadMs: 1 });
    await new Promise((resolve) => client.on('state', (state) => state === 'ready' && resolve(undefined)));
    await client.publish({ dataId: 'user', data: ['w'] });
    expect(other.count('registry.goodbye') + session.count('registry.goodbye')).toBe(0);
    expect(await until(subscriber, (data) => data.length === 2)).toEqual(['v', 'w']);
    expect(other.count('registry.apply')).toBeGreaterThan(0);
  });

  it('a server that falls silent is left', async () => {
    const other = await another();
    const client = newClient({ limits: { ...FAST, requestTimeoutMs: 100 } });
    await client.connect();
    for (const pattern of ['registry.heartbeat', 'registry.apply']) session.silent.add(pattern);
    await client.publish({ dataId: 'user', data: ['v'] });
    expect(other.count('registry.apply')).toBe(1);
  });

  it('keeps a quiet connection alive by heartbeats, and acknowledges pushes', async () => {
    const client = newClient();
    await client.subscribe({ dataId: 'user' }).ready();
    while (session.count('registry.heartbeat') < 2) await new Promise((resolve) => setTimeout(resolve, 10));
    expect(client.state).toBe('ready');
    expect(session.received.find(({ pattern }) => pattern === 'registry.ack')?.data).toMatchObject({ version: '1.0' });
  });
});

describe('subscribers', () => {
  it('iterate over the latest state: a slow consumer skips what was replaced', async () => {
    const client = newClient();
    const subscriber = client.subscribe({ dataId: 'user' });
    await subscriber.ready();
    const publisher = await client.publish({ dataId: 'user', data: ['0'] });
    await until(subscriber, (data) => data.length === 1);
    const iterator = subscriber[Symbol.asyncIterator]();
    for (let i = 1; i <= 20; i++) await publisher.republish([String(i)]);
    await until(subscriber, (data) => data[0] === '20');
    expect((await iterator.next()).value?.publishers[0]?.data).toEqual(['20']);
    const waiting = iterator.next();
    await subscriber.close();
    expect(await waiting).toEqual({ done: true, value: undefined });
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
  });

  it('tell the server when they close, keep their list, and hear nothing more', async () => {
    const client = newClient();
    await client.publish({ dataId: 'user', data: ['v'] });
    const heard: SubscriberSnapshot[] = [];
    const subscriber = client.subscribe({ dataId: 'user' }, (snapshot) => heard.push(snapshot));
    await subscriber.ready();
    await subscriber.close();
    const count = heard.length;
    await client.publish({ dataId: 'user', data: ['w'] });
    expect(heard).toHaveLength(count);
    expect(subscriber.current().publishers).toHaveLength(1);
    expect(session.count('registry.unsubscribe')).toBe(1);
  });

  it('keep their list when the client closes, whoever had looked at it before', async () => {
    const client = newClient();
    const subscriber = client.subscribe({ dataId: 'user' });
    const told = new Promise<void>((resolve) =>
      subscriber.on('changes', ({ added }) => void (added.length > 0 && resolve())),
    );
    await client.publish({ dataId: 'user', data: ['v'] });
    await told;
    await client.close({ drain: false });
    expect(subscriber.current()).toMatchObject({ state: 'current', publishers: [{ data: ['v'] }] });
  });

  it('wait no longer for a first answer when the client closes', async () => {
    session.silent.add('registry.subscribe');
    const client = newClient();
    const subscriber = client.subscribe({ dataId: 'user' });
    const ready = codeOf(subscriber.ready());
    const done = subscriber[Symbol.asyncIterator]().next();
    await client.connect();
    await client.close();
    expect(await ready).toBe('SHUTTING_DOWN');
    expect(await done).toEqual({ done: true, value: undefined });
    expect(await codeOf(subscriber.ready())).toBe('SHUTTING_DOWN');
  });

  it('are told when the server refuses them', async () => {
    session.refusals.set('registry.subscribe', new RegistryError('INVALID_NAME'));
    const subscriber = newClient().subscribe({ dataId: 'user' });
    const told = new Promise((resolve) => subscriber.on('error', (error) => resolve(error.code)));
    expect(await codeOf(subscriber.ready())).toBe('INVALID_NAME');
    expect(await told).toBe('INVALID_NAME');
    expect(await codeOf(subscriber.ready())).toBe('INVALID_NAME');
  });

  it('tell what has led from one list to the next', async () => {
    const client = newClient();
    const lines: string[] = [];
    const subscriber = client.subscribe({ dataId: 'user' });
    subscriber.on('changes', (changes) => {
      for (const [what, publishers] of Object.entries(changes) as [string, { data: string[] }[]][])
        for (const { data } of publishers) lines.push(`${what} ${data[0]!}`);
    });
    const publisher = await client.publish({ dataId: 'user', data: ['v1'] });
    await until(subscriber, (data) => data[0] === 'v1');
    await publisher.republish(['v2']);
    await until(subscriber, (data) => data[0] === 'v2');
    await publisher.unpublish();
    await until(subscriber, (data) => data.length === 0);
    expect(lines).toEqual(['added v1', 'updated v2', 'removed v2']);
  });

  it('survive listeners that throw or reject, which are reported', async () => {
    const client = newClient();
    const errors: unknown[] = [];
    client.on('error', (error) => {
      errors.push(error);
      throw new Error('and so does this one');
    });
    const subscriber = client.subscribe({ dataId: 'user' }, () => {
      throw new Error('thrown');
    });
    subscriber.on('change', () => Promise.reject(new Error('rejected')));
    await subscriber.ready();
    await client.publish({ dataId: 'user', data: ['v'] });
    await until(subscriber, (data) => data.length === 1);
    expect(errors.map((error) => (error as Error).message)).toEqual(expect.arrayContaining(['thrown', 'rejected']));
  });
});

describe('what is asked wrongly', () => {
  it('is refused with its code', async () => {
    const client = newClient();
    expect(await codeOf(client.publish({ dataId: '', data: [] }))).toBe('INVALID_NAME');
    expect(await codeOf(client.publish({ dataId: 'd', data: 'v' as never }))).toBe('BAD_REQUEST');
    expect(await codeOf(client.publish({ dataId: 'd', data: [], attributes: { f: () => 1, big: 1n } }))).toBe(
      'BAD_REQUEST',
    );
    expect(await codeOf(client.query({ dataId: 'd', scope: 'world' as never }))).toBe('INVALID_SCOPE');
    expect(() => client.subscribe({ dataId: 'a\u0000' })).toThrow(expect.objectContaining({ code: 'INVALID_NAME' }));
    const publisher = await client.publish({ dataId: 'd', data: [] });
    expect(await codeOf(publisher.republish(['x'.repeat(70_000)]))).toBe('DATA_TOO_LARGE');
  });

  it('is refused at construction when no client could work with it', () => {
    for (const options of [{ seeds: [] }, { seeds: ['nowhere'] }, { seeds: ['a:70000'] }, { seeds: ['a:1'], zone: '' }])
      expect(() => new RegistryClient(options)).toThrow(expect.objectContaining({ code: 'INVALID_CONFIGURATION' }));
  });

  it('a query ends with its deadline', async () => {
    session.refusals.set('registry.query', new RegistryError('PENDING'));
    const client = newClient();
    expect(await codeOf(client.query({ dataId: 'd' }, { timeoutMs: 100 }))).toBe('PENDING');
    expect(session.count('registry.query')).toBeGreaterThan(1);
    await session.kill();
    expect(await codeOf(client.query({ dataId: 'd' }, { timeoutMs: 50 }))).toMatch(
      /DEADLINE_EXCEEDED|CONNECTION_CLOSED/,
    );
  });
});

it('a thousand publishers at once travel in few requests and all arrive', async () => {
  const client = newClient();
  const all = Array.from({ length: 1_000 }, (_, i) => client.publish({ dataId: `d${i % 10}`, data: [String(i)] }));
  await Promise.all(all);
  expect(registry.publications.size).toBe(1_000);
  expect(session.count('registry.apply')).toBeLessThan(50);
});

describe('a snapshot on disk', () => {
  let folder: string;
  const withSnapshot = (options: Partial<RegistryClientOptions> = {}): RegistryClient =>
    newClient({ appName: 'api', snapshot: { folder }, ...options });

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rollcall-client-'));
  });

  afterEach(async () => {
    // What a client still writes would be new in a folder that is being emptied.
    await closeClients();
    await rm(folder, { recursive: true, force: true });
  });

  async function known(): Promise<void> {
    const client = withSnapshot();
    await client.publish({ dataId: 'user', data: ['v'] });
    await until(client.subscribe({ dataId: 'user' }), (data) => data.length === 1);
    await client.close({ drain: false });
  }

  it('gives a client that starts with everything down the last known list at once, and the live one later', async () => {
    await known();
    await session.kill();
    const client = withSnapshot();
    const subscriber = client.subscribe({ dataId: 'user' });
    expect(subscriber.current()).toMatchObject({ state: 'pending', stale: true, publishers: [{ data: ['v'] }] });
    expect((await subscriber[Symbol.asyncIterator]().next()).value).toMatchObject({ stale: true });
    registry.publications.clear();
    registry.sequence++;
    await session.listen();
    const live = await subscriber.ready();
    expect(live).toMatchObject({ state: 'current', publishers: [] });
    expect(live.stale).toBeUndefined();
    const told = session.received.findLast(({ pattern }) => pattern === 'registry.subscribe')?.data;
    expect(told).toMatchObject({ base: { clusterId: 'c1' } });
  });

  it('keeps the servers learned, so that a client finds them when its seeds are gone', async () => {
    const other = await another();
    await known();
    await session.kill();
    const client = withSnapshot({ seeds: ['127.0.0.1:1'] });
    await client.connect();
    expect(client.status).toMatchObject({ state: 'ready', server: other.address });
  });

  it('that is damaged is reported to whoever listens, ignored and replaced', async () => {
    await known();
    const views = join(folder, 'api', 'c1');
    for (const name of await readdir(views)) await writeFile(join(views, name), 'damaged');
    const client = withSnapshot();
    const problems: string[] = [];
    client.on('snapshot', ({ type }) => problems.push(type));
    const subscriber = client.subscribe({ dataId: 'user' });
    expect(subscriber.current()).toEqual({ dataInfoId: expect.any(String), state: 'pending', publishers: [] });
    await subscriber.ready();
    expect(problems).toEqual(['damaged']);
    await client.close({ drain: false });
    expect(withSnapshot().subscribe({ dataId: 'user' }).current()).toMatchObject({ stale: true });
  });
});

it('the state is told with why and since when', async () => {
  const client = newClient();
  const before = Date.now();
  const heard: string[] = [];
  client.on('state', (state, { reason, since }) => {
    heard.push(`${state} ${reason}`);
    expect(since.getTime()).toBeGreaterThanOrEqual(before - 1_000);
  });
  expect(client.status).toMatchObject({ state: 'connecting', reason: 'started', attempts: 0 });
  await client.connect();
  expect(client.status.server).toBe(session.address);
  await session.kill();
  while (client.status.attempts === 0) await new Promise((resolve) => client.on('log', resolve));
  expect(client.status).toMatchObject({ state: 'degraded', lastFailure: expect.stringContaining(session.address) });
  await client.close();
  expect(heard).toEqual(['ready welcomed', 'degraded connection-lost', 'closed closed']);
});
