import { LIMITS, VERSION } from '#model';
import { http } from '../support/http.js';
import { Api, type Said } from '../support/openapi.js';
import { type Tiers, startTiers } from '../support/tiers.js';

/** How an operation is called: with the examples of the document where nothing is said, and with a success to follow. */
interface Call extends Said {
  status?: number;
  code?: string;
  /** What it takes that no example can know. */
  with?: (api: Api) => Promise<Said>;
}

/**
 * Every operation of every tier, in an order in which each works on a registry that has just been started. Who adds a
 * route adds a row.
 */
const CALLS: Record<'meta' | 'data' | 'session', Record<string, Call | Call[]>> = {
  meta: {
    ...{ readVersion: {}, readLiveness: {}, readStartup: {}, readReadiness: {}, readMetrics: {} },
    ...{
      readMembers: {},
      readLeader: {},
      readSlots: { parameters: { limit: 2 } },
      readProtection: {},
      confirmLoss: {},
    },
    ...{ readSwitches: {}, setSwitches: {} },
    ...{ setConfig: {}, readConfig: {}, readConfigKeys: {}, deleteConfig: {} },
    ...{ readRebalance: {}, readRebalancePlan: {}, pauseRebalance: {}, resumeRebalance: {} },
    readServerDrain: {},
    // The last data server is not drained.
    drainServer: { status: 409, code: 'NOT_DRAINABLE' },
    undrainServer: {},
    abandonSlot: {},
    ...{ readRaftStatus: {}, addLearner: {} },
    // The one in the example does not run, so it lacks something.
    promoteLearner: { status: 503, code: 'NOT_READY' },
    removeNode: {},
    transferLeadership: { with: toItself },
    ...{ takeSnapshot: {}, readBackup: {} },
  },
  data: {
    ...{ readVersion: {}, readLiveness: {}, readStartup: {}, readReadiness: {}, readMetrics: {} },
    ...{ readHeldSlots: {}, readStats: {}, readSlotRemovals: {}, listRemovals: {} },
    readDatum: [{}, { parameters: { dataId: 'hello' } }],
  },
  session: {
    ...{ readVersion: {}, readLiveness: {}, readStartup: {}, readReadiness: {}, readMetrics: {} },
    publish: { status: 201 },
    readDatum: [{}, { parameters: { dataId: undefined } }],
    ...{ renewLease: {}, renewLeases: {} },
    ...{ listConnections: {}, listSubscribers: {}, listPublishers: {}, listClients: {} },
    unpublish: { status: 204 },
    listRemovals: {},
    readTrace: { with: traced },
    // There is no other session server to go to.
    ...{ readDrain: {}, drain: { status: 409, code: 'NOT_DRAINABLE' }, undrain: {} },
    ...{ watch: {}, watchConfig: {} },
  },
};
const TIERS = ['meta', 'data', 'session'] as const;

/** The one meta server, which has another port here than in the example. */
async function toItself(api: Api): Promise<Said> {
  const { body } = await api.call('readRaftStatus');
  return { body: { node: body.id } };
}

/** Of a publication that is traced. */
async function traced(api: Api): Promise<Said> {
  const { body } = await api.call('publish', { body: { dataId: 'traced', data: [], trace: true } });
  return { parameters: { traceId: body.traceId } };
}

describe.each(TIERS)('the OpenAPI document of the %s tier', (tier) => {
  let tiers: Tiers;
  let api: Api;

  beforeAll(async () => {
    tiers = await startTiers();
    api = await Api.read(tiers[tier].httpAddress, { '127.0.0.1:9620': tiers.data.rpcAddress });
  });
  afterAll(() => tiers.close());

  it('is of the version of the server', () => {
    expect(api.document.info.version).toBe(VERSION);
  });

  it('tells every route, and nothing else is called here', () => {
    expect([...api.operations.keys()].toSorted()).toEqual(Object.keys(CALLS[tier]).toSorted());
  });

  it.each(Object.entries(CALLS[tier]))('has for %s what it answers', async (id, calls) => {
    api.checkExample(id);
    for (const { status = 200, code, with: made, ...said } of [calls].flat()) {
      const answer = await api.call(id, made ? await made(api) : said);
      expect([answer.status, status === answer.status || answer.body]).toEqual([status, true]);
      expect(code && answer.body.code).toBe(code);
    }
  });

  it('has one shape for what no route has to do with', async () => {
    const address = `http://${tiers[tier].httpAddress}`;
    const json = { 'content-type': 'application/json' };
    const refused: [number, string, string, string, RequestInit?][] = [
      [404, 'NOT_FOUND', 'GET', '/v1/nothing'],
      [404, 'NOT_FOUND', 'GET', '/'],
      [404, 'NOT_FOUND', 'PATCH', '/health/live'],
      [400, 'BAD_REQUEST', 'GET', '/v1/%zz'],
      [400, 'BAD_REQUEST', 'POST', '/v1/nothing', { body: '{"a":', headers: json }],
      [413, 'BODY_TOO_LARGE', 'POST', '/v1/nothing', { body: `"${'x'.repeat(LIMITS.httpBodyBytes)}"`, headers: json }],
    ];
    for (const [status, code, method, path, init] of refused) {
      const answer = await fetch(`${address}${path}`, { method, ...init });
      const body: unknown = await answer.json();
      expect({ method, path, status: answer.status, body }).toMatchObject({ method, path, status, body: { code } });
      api.checkFailure(body);
    }
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
