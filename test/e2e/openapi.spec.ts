import { http } from '../support/http.js';
import { Api, type Said } from '../support/openapi.js';
import { type Tiers, startTiers } from '../support/tiers.js';

/** How a test calls an operation: with the examples of the document where nothing is said, and with a success to follow. */
interface Call extends Said {
  status?: number;
}

/**
 * Every operation of every tier, in an order in which each works on a registry that has just been started. Who adds a
 * route adds a row.
 */
const CALLS: Record<'meta' | 'data' | 'session', Record<string, Call>> = {
  meta: { readVersion: {}, readLiveness: {}, readReadiness: {} },
  data: { readVersion: {}, readLiveness: {}, readReadiness: {}, readMetrics: {}, readDatum: {}, listRemovals: {} },
  session: {
    ...{ readVersion: {}, readLiveness: {}, readReadiness: {}, readMetrics: {} },
    publish: { status: 201 },
    readDatum: {},
    ...{ listConnections: {}, listSubscribers: {}, listPublishers: {}, listClients: {} },
    renewLease: {},
    renewLeases: {},
    unpublish: { status: 204 },
    listRemovals: {},
  },
};
const TIERS = ['meta', 'data', 'session'] as const;

describe.each(TIERS)('the OpenAPI document of the %s tier', (tier) => {
  let tiers: Tiers;
  let api: Api;

  beforeAll(async () => {
    tiers = await startTiers();
    api = await Api.read(tiers[tier].httpAddress);
  });
  afterAll(() => tiers.close());

  it('tells every route, and nothing else is called here', () => {
    expect([...api.operations.keys()].toSorted()).toEqual(Object.keys(CALLS[tier]).toSorted());
  });

  it.each(Object.entries(CALLS[tier]))('has for %s what it answers', async (id, { status = 200, ...said }) => {
    api.checkExample(id);
    const answer = await api.call(id, said);
    expect([answer.status, status === answer.status || answer.body]).toEqual([status, true]);
  });

  it('is shown by a page that loads nothing from anywhere else', async () => {
    const address = `http://${tiers[tier].httpAddress}`;
    const page = await fetch(`${address}/docs`);
    const html = await page.text();
    expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
    expect(page.headers.get('content-security-policy')).toMatch(/^default-src 'none'; connect-src 'self';/);
    const links = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, link]) => link!);
    expect(links).toHaveLength(4);
    for (const link of links.filter((each) => each !== 'data:,')) {
      const asset = await fetch(new URL(link, page.url));
      expect([link, asset.status]).toEqual([link, 200]);
      expect((await asset.text()).length).toBeGreaterThan(100);
    }
    const init = await (await fetch(`${address}/docs/init.js`)).text();
    expect(init).toContain("url: 'openapi.json'");
    expect(init).toContain('validatorUrl: null');
    for (const other of ['package.json', 'index.html', '..%2fpackage.json'])
      expect(await http('GET', `${address}/docs/${other}`)).toMatchObject({ status: 404, body: { code: 'NOT_FOUND' } });
  });
});
