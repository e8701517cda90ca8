import { setTimeout } from 'node:timers/promises';
import { RegistryClient } from '#client';
import { http } from '../support/http.js';
import { type ToldMetric, documentedMetrics, metricsIn } from '../support/metrics.js';
import { type Tiers, startTiers } from '../support/tiers.js';

const POLL_MS = 10;
const TIERS = ['meta', 'data', 'session'] as const;
const SECTIONS = {
  'All servers': TIERS,
  'The process': TIERS,
  'Meta servers': ['meta'],
  'Data servers': ['data'],
  'Session servers': ['session'],
} as const satisfies Record<string, readonly (keyof typeof told)[]>;
/** In a cluster of one meta server there are none. */
const WITHOUT_SAMPLES = ['rollcall_raft_peer_lag_entries', 'rollcall_raft_peer_active'];
/** With one data server nobody follows. */
const OF_FOLLOWERS = ['rollcall_slot_lag_operations', 'rollcall_slot_lag_seconds'];

const told: Record<(typeof TIERS)[number], Map<string, ToldMetric>> = {
  meta: new Map(),
  data: new Map(),
  session: new Map(),
};

describe('the metrics of three servers', () => {
  let tiers: Tiers;
  const read = async (tier: (typeof TIERS)[number]): Promise<string> =>
    (await fetch(`http://${tiers[tier].httpAddress}/metrics`)).text();

  beforeAll(async () => {
    tiers = await startTiers();
    // Read twice: what is counted of a request is told by the next.
    for (const tier of TIERS) await read(tier);
    for (const tier of TIERS) told[tier] = metricsIn(await read(tier));
  });

  afterAll(() => tiers.close());

  it.each(Object.entries(SECTIONS))('are those that the docs tell of under “%s”, with these types', (section, of) => {
    const documented = documentedMetrics().filter((metric) => metric.section === section);
    expect(documented.length).toBeGreaterThan(5);
    const byTiers = of.map((tier) => documented.map(({ name }) => [name, told[tier].get(name)?.type]));
    for (const types of byTiers) expect(types).toEqual(documented.map(({ name, type }) => [name, type]));
  });

  it.each(TIERS)('are all in the docs, those of the %s server too, with their labels', (tier) => {
    const documented = new Map(
      documentedMetrics()
        .filter(({ section }) => (SECTIONS[section as keyof typeof SECTIONS] as readonly string[]).includes(tier))
        .map(({ name, labels }) => [name, labels]),
    );
    const silent: string[] = [];
    for (const [name, { labels }] of told[tier]) {
      expect([name, documented.has(name)]).toEqual([name, true]);
      if (!labels) silent.push(name);
      expect([name, labels ?? documented.get(name)]).toEqual([name, documented.get(name)]);
    }
    const mayBeSilent = [
      ...WITHOUT_SAMPLES,
      ...OF_FOLLOWERS,
      'rollcall_rpc_requests_total',
      'rollcall_rpc_request_duration_seconds',
      'rollcall_rpc_requests_open',
      'nodejs_gc_duration_seconds',
    ];
    expect(silent.filter((name) => !mayBeSilent.includes(name))).toEqual([]);
  });

  it('have no label that grows with what is registered, and units in their names', () => {
    for (const { name, type, labels } of documentedMetrics()) {
      expect(
        labels.filter((label) => ['dataId', 'client', 'address', 'registerId', 'incarnation'].includes(label)),
      ).toEqual([]);
      expect([name, /_total$/.test(name)]).toEqual([name, type === 'counter']);
      expect(name).not.toMatch(/_(ms|millis|milliseconds|kb|mb)\b/);
    }
  });

  it('count what is asked, and what is refused by its code', async () => {
    const value = (text: string, sample: string): number =>
      Number(
        text
          .split('\n')
          .find((line) => line.startsWith(`${sample} `))
          ?.slice(sample.length) ?? 0,
      );
    const before = await read('session');
    const client = new RegistryClient({ seeds: [tiers.session.rpcAddress] });
    await client.publish({ dataId: 'counted', data: ['1'] });
    const refused = await http('POST', `${tiers.http}/v1/publishers`, { data: [] });
    expect(refused.status).toBe(400);
    expect((await http('GET', `${tiers.http}/nowhere/${'x'.repeat(20)}`)).status).toBe(404);
    const after = await read('session');
    const rise = (sample: string): number => value(after, sample) - value(before, sample);
    expect(rise('rollcall_operations_total{result="stored"}')).toBe(1);
    expect(rise('rollcall_rpc_requests_total{pattern="registry.apply",code="OK"}')).toBe(1);
    expect(rise('rollcall_http_requests_total{route="/v1/publishers",method="POST",status="400"}')).toBe(1);
    expect(rise('rollcall_http_requests_total{route="unknown",method="GET",status="404"}')).toBe(1);
    await client.close();
    const left = (text: string): number =>
      value(text, 'rollcall_removals_total{cause="goodbye"}') +
      value(text, 'rollcall_removals_total{cause="unpublish"}');
    while (left(await read('data')) !== 1) await setTimeout(POLL_MS);
  });
});
