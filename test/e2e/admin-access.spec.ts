import { RpcConnection } from '#client';
import { parseAddress } from '#nest';
import { type Tier, patternsOf, routesOf } from '../support/handlers.js';
import { type Answer, http } from '../support/http.js';
import { type Tiers, startTiers } from '../support/tiers.js';

const TOKEN = 'a-token-of-the-operators';
const TIERS = ['meta', 'data', 'session'] as const;

/** What applications do for themselves. Everything else that changes something is for operators. */
const OPEN_ROUTES = [
  'POST /v1/publishers',
  'PUT /v1/publishers/:registerId/lease',
  'DELETE /v1/publishers/:registerId',
  'PUT /v1/leases',
];
const GUARDED_READS = ['GET /v1/raft/backup'];
const OPEN_PATTERNS = ['meta.config.get'];

describe('a registry with an admin token', () => {
  let tiers: Tiers;
  let routes: { tier: Tier; route: string }[];

  beforeAll(async () => {
    tiers = await startTiers({ ROLLCALL_ADMIN_TOKEN: TOKEN });
    const all = await Promise.all(TIERS.map(async (tier) => (await routesOf(tier)).map((route) => ({ tier, route }))));
    routes = all.flat();
  }, 60_000);
  afterAll(() => tiers.close());

  /** A request that has little sense, for what matters is only whether it is looked at. */
  const ask = (tier: Tier, route: string, authorization?: string): Promise<Answer> => {
    const [method, path] = route.split(' ') as [string, string];
    const url = `http://${tiers[tier].httpAddress}${path.replace(/:\w+/g, 'none')}`;
    const body = method === 'GET' || method === 'DELETE' ? undefined : {};
    return http(method, url, body, authorization === undefined ? {} : { authorization });
  };
  const changes = (): { tier: Tier; route: string }[] => routes.filter(({ route }) => !route.startsWith('GET '));
  const isForAdmins = (route: string): boolean =>
    GUARDED_READS.includes(route) || (!route.startsWith('GET ') && !OPEN_ROUTES.includes(route));

  it('knows its routes', () => {
    expect(changes().length).toBeGreaterThan(15);
    const all = routes.map(({ route }) => route);
    expect(all).toEqual(expect.arrayContaining([...OPEN_ROUTES, ...GUARDED_READS]));
  });

  it('refuses every change of the cluster on every tier to who shows no token, or a wrong one', async () => {
    const forAdmins = routes.filter(({ route }) => isForAdmins(route));
    const wrong = [undefined, 'Bearer', `Bearer ${TOKEN}x`, `Bearer ${TOKEN.slice(1)}`, `Basic ${TOKEN}`, TOKEN];
    for (const { tier, route } of forAdmins)
      for (const authorization of wrong) {
        const answer = await ask(tier, route, authorization);
        expect({ route, status: answer.status, code: answer.body.code }).toEqual({
          route,
          status: 401,
          code: 'UNAUTHORIZED',
        });
        expect(answer.headers.get('www-authenticate')).toBe('Bearer realm="rollcall"');
        expect(JSON.stringify(answer.body)).not.toContain(TOKEN.slice(1));
      }
  });

  it('looks at every one of them with the token, and at what applications do without', async () => {
    for (const { tier, route } of routes.filter(({ route }) => isForAdmins(route)).toReversed())
      expect({ route, status: (await askAnything(tier, route, `Bearer ${TOKEN}`)).status }).not.toMatchObject({
        status: 401,
      });
    for (const route of OPEN_ROUTES) expect((await ask('session', route)).status).not.toBe(401);
    const { tier, route } = { tier: 'meta' as const, route: 'GET /v1/members' };
    expect((await ask(tier, route)).status).toBe(200);
  });

  /** The backup is no JSON. */
  const askAnything = async (tier: Tier, route: string, authorization: string): Promise<{ status: number }> =>
    route === 'GET /v1/raft/backup'
      ? fetch(`http://${tiers.meta.httpAddress}/v1/raft/backup`, { headers: { authorization } })
      : ask(tier, route, authorization);

  it('asks for it over RPC too, except for reads and in the protocol of clients', async () => {
    const connection = await RpcConnection.connect(parseAddress(tiers.meta.rpcAddress)!);
    const patterns = await patternsOf('meta');
    expect(patterns).toEqual(expect.arrayContaining(['meta.state', 'meta.raft', 'meta.config.set', ...OPEN_PATTERNS]));
    const code = (pattern: string, payload: object): Promise<unknown> =>
      connection.request(pattern, payload, { timeoutMs: 5_000 }).then(
        () => 'done',
        (error: { code: unknown }) => error.code,
      );
    try {
      for (const pattern of patterns)
        for (const token of [undefined, 'wrong', [], ['wrong'], { token: TOKEN }, 7]) {
          const refused =
            (await code(pattern, { key: 'a', ...(token === undefined ? {} : { token }) })) === 'UNAUTHORIZED';
          expect({ pattern, refused }).toEqual({ pattern, refused: !OPEN_PATTERNS.includes(pattern) });
        }
      expect(await code('meta.config.set', { key: 'a', value: 'b', token: TOKEN })).toBe('done');
      expect(await code('meta.config.delete', { key: 'a', token: ['old', TOKEN] })).toBe('done');
      expect(await code('meta.raft', { type: 'remove', node: 'nobody', token: TOKEN })).toBe('BAD_REQUEST');
    } finally {
      connection.close();
    }
  });
});
