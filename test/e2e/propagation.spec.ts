import { RegistryClient } from '#client';
import { type Tiers, startTiers } from '../support/tiers.js';

/** How many were observed of a stage, and how many seconds they took together. */
async function observed(http: string, stage: string): Promise<{ count: number; seconds: number }> {
  const text = await (await fetch(`http://${http}/metrics`)).text();
  const value = (of: string) =>
    Number(new RegExp(`^rollcall_propagation_seconds_${of}\\{stage="${stage}"\\} (\\S+)$`, 'm').exec(text)?.[1] ?? NaN);
  return { count: value('count'), seconds: value('sum') };
}

describe('how long changes take', () => {
  let tiers: Tiers;

  beforeAll(async () => {
    tiers = await startTiers();
  });

  afterAll(() => tiers.close());

  it('is told by the session server and, of the part that ends there, by the data server', async () => {
    const { session, data } = tiers;
    const client = new RegistryClient({ seeds: [session.rpcAddress] });
    const publisher = await client.publish({ dataId: 'timed', data: ['0'] });
    let arrived = (): void => {};
    const subscriber = client.subscribe({ dataId: 'timed' }, () => arrived());
    await subscriber.ready();
    const startedMs = performance.now();
    // A change at a time, until the session server has learnt what the clock of the data server shows.
    for (let i = 1; (await observed(session.httpAddress, 'total')).count < 3; i++) {
      const told = new Promise<void>((resolve) => (arrived = resolve));
      await publisher.republish([String(i)]);
      await told;
    }
    for (const stage of ['stored', 'arrived', 'pushed', 'acked', 'total']) {
      const { count, seconds } = await observed(session.httpAddress, stage);
      expect(count).toBeGreaterThanOrEqual(3);
      // An acknowledgement comes after the application has been told.
      expect(seconds).toBeLessThan((performance.now() - startedMs) / 1000);
    }
    expect((await observed(data.httpAddress, 'applied')).count).toBeGreaterThanOrEqual(3);
    await client.close();
  });
});
