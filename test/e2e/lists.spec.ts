import { RegistryClient } from '#client';
import { http } from '../support/http.js';
import { type Tiers, startTiers } from '../support/tiers.js';

/** What operators look things up in, over HTTP as anybody reads it. */
describe('the lists of a session server', () => {
  let tiers: Tiers;
  let client: RegistryClient;

  beforeAll(async () => {
    tiers = await startTiers();
    client = new RegistryClient({ seeds: [tiers.session.rpcAddress], appName: 'shop', zone: 'east' });
    for (const dataId of ['user', 'user-events', 'note']) await client.publish({ dataId, data: [dataId] });
    await client.subscribe({ dataId: 'user' }).ready();
    const leased = { dataId: 'cron', registerId: 'me', data: ['x'], appName: 'batch', leaseMs: 60_000 };
    await http('POST', `${tiers.http}/v1/publishers`, leased);
  });

  afterAll(async () => {
    await client.close();
    await tiers.close();
  });

  const get = async (path: string) => {
    const { status, body } = await http('GET', `${tiers.http}/v1/${path}`);
    expect({ status, body }).toMatchObject({ status: 200 });
    return body;
  };

  it('tell of clients, of what they registered and of what they subscribe to', async () => {
    const { connections } = await get('connections?appName=shop');
    expect(connections).toMatchObject([
      { address: '127.0.0.1', appName: 'shop', zone: 'east', state: 'served', publishers: 3, subscribers: 1 },
    ]);
    const { connection, connectedAt } = connections[0];
    expect(Math.abs(Date.now() - Date.parse(connectedAt))).toBeLessThan(60_000);
    const { publishers } = await get(`publishers?connection=${connection}&prefix=user`);
    expect(publishers).toHaveLength(2);
    expect(publishers.find(({ dataId }: { dataId: string }) => dataId === 'user')).toMatchObject({
      ...{ kind: 'connected', appName: 'shop', address: '127.0.0.1', zone: 'east', state: 'stored', leaseMs: null },
    });
    expect(await get('publishers?appName=batch')).toMatchObject({
      publishers: [{ dataId: 'cron', kind: 'leased', connection: null, leaseMs: 60_000, state: 'stored' }],
    });
    expect(await get('subscribers?dataId=user')).toMatchObject({
      subscribers: [{ connection, appName: 'shop', told: 'whole', waitsFor: null }],
    });
  });

  it('come a page at a time', async () => {
    const seen: string[] = [];
    let next: string | undefined;
    do {
      const page = await get(`publishers?limit=1${next === undefined ? '' : `&after=${next}`}`);
      seen.push(...page.publishers.map(({ dataId }: { dataId: string }) => dataId));
      next = page.next;
    } while (next !== undefined);
    expect(seen.toSorted()).toEqual(['cron', 'note', 'user', 'user-events']);
  });

  it('refuse what means nothing, with its name', async () => {
    const refused = async (path: string, field: string): Promise<void> => {
      const { status, body } = await http('GET', `${tiers.http}/v1/${path}`);
      expect({ status, body }).toMatchObject({ status: 400, body: { code: 'BAD_REQUEST', details: { field } } });
    };
    await refused('connections?limit=1000000', 'limit');
    await refused('connections?after=abc', 'after');
    await refused('connections?prefix=user', 'prefix');
    await refused('subscribers?limit=1&limit=2', 'limit');
  });
});
