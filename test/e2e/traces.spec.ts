import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RegistryClient } from '#client';
import { type RunningTier, loadConfig } from '#nest';
import type { TracedWay } from '#registry';
import { startSession } from '../../apps/session/src/session.app.js';
import { http } from '../support/http.js';
import { type Tiers, startTiers } from '../support/tiers.js';
import { Watch } from '../support/watch.js';

describe('the way of a publication', () => {
  let tiers: Tiers;
  let folder: string;
  let other: RunningTier;
  const clients: RegistryClient[] = [];

  beforeAll(async () => {
    tiers = await startTiers();
    folder = await mkdtemp(join(tmpdir(), 'rollcall-test-'));
    const env = {
      ...{ ROLLCALL_CLUSTER_META_ADDRESSES: tiers.meta.rpcAddress, ROLLCALL_SESSION_DATA_DIR: folder },
      ...{ ROLLCALL_SESSION_RPC_PORT: '0', ROLLCALL_SESSION_HTTP_PORT: '0', ROLLCALL_LOG_LEVEL: 'error' },
    };
    other = await startSession(loadConfig('session', { env, argv: [] }), (error) => {
      throw error;
    });
    await other.ready();
  });

  afterAll(async () => {
    for (const client of clients) await client.close();
    await other.close();
    await tiers.close();
    await rm(folder, { recursive: true, force: true });
  });

  const clientOf = ({ rpcAddress }: RunningTier, appName: string): RegistryClient => {
    const client = new RegistryClient({ seeds: [rpcAddress], appName });
    clients.push(client);
    return client;
  };

  /** What a server says of it as soon as it says that. */
  async function told(server: RunningTier, traceId: string, isSo: (way: TracedWay) => boolean): Promise<TracedWay> {
    for (;;) {
      const { status, body } = await http('GET', `http://${server.httpAddress}/v1/traces/${traceId}`);
      expect(status).toBe(200);
      if (isSo(body as TracedWay)) return body as TracedWay;
    }
  }

  it('is told by any session server, down to the acknowledgement of each subscriber', async () => {
    const { session } = tiers;
    const publisher = await clientOf(session, 'here').publish({ dataId: 'traced', data: ['0'] });
    expect(publisher.traceId).toBeUndefined();
    for (const [server, name] of [
      [session, 'near'],
      [other, 'far'],
    ] as const)
      await clientOf(server, name).subscribe({ dataId: 'traced' }).ready();
    const watch = await Watch.open(`http://${other.httpAddress}`, 'dataId=traced');
    await watch.until(() => watch.data.length === 1);

    await publisher.republish(['1'], { trace: true });
    const isThrough = ({ origin, sessions }: TracedWay): boolean =>
      origin?.state === 'stored' && sessions.length === 2 && sessions.every(({ counts }) => counts.acked === 1);
    const way = await told(other, publisher.traceId!, isThrough);
    expect(way).toMatchObject({
      ...{ traceId: publisher.traceId, registerId: publisher.registerId, unanswered: [] },
      origin: { session: session.rpcAddress, state: 'stored', told: 2 },
    });
    const at = (server: RunningTier) => way.sessions.find(({ session: address }) => address === server.rpcAddress)!;
    expect(at(session).subscribers).toMatchObject([{ appName: 'near', state: 'acked', address: '127.0.0.1' }]);
    expect(at(other).counts).toEqual({ acked: 1, pushed: 1, pending: 0, left: 0 });
    const far = at(other).subscribers.find(({ appName }) => appName === 'far')!;
    expect(far.ackedAfterMs).toBeGreaterThanOrEqual(far.pushedAfterMs!);
    expect(way.origin!.version).toBe(at(other).version);
    const again = await told(session, publisher.traceId!, isThrough);
    expect(again).toEqual({ ...way, sessions: way.sessions.toReversed() });
    watch.close();
  });

  it('is traced over HTTP too, and one that nobody knows is not found', async () => {
    const { body } = await http('POST', `${tiers.http}/v1/publishers`, {
      ...{ dataId: 'traced-http', data: ['x'], trace: true },
    });
    const way = await told(other, body.traceId, ({ origin }) => origin?.state === 'stored');
    expect(way).toMatchObject({
      registerId: body.registerId,
      sessions: [],
      origin: { version: body.version, told: 0 },
    });
    const datum = await http('GET', `${tiers.http}/v1/datums?dataId=traced-http`);
    expect(datum.body.publishers[0]).not.toHaveProperty('trace');
    expect(await http('GET', `${tiers.http}/v1/traces/nothing`)).toMatchObject({
      status: 404,
      body: { code: 'NOT_FOUND' },
    });
    const refused = { dataId: 'traced-http', data: ['x'], trace: true, temporary: true };
    expect(await http('POST', `${tiers.http}/v1/publishers`, refused)).toMatchObject({
      status: 400,
      body: { code: 'BAD_REQUEST', details: { field: 'trace' } },
    });
  });
});
