import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { RegistryClient } from '#client';
import { Cluster, type ClusterNode, balanced } from '../../scripts/lib/cluster.mjs';
import { type Answer, http } from '../support/http.js';
import { addressOf, isWhole, slotHolding, tableOf } from '../support/table.js';
import { Watch } from '../support/watch.js';

const SERVICES = Array.from({ length: 24 }, (_, i) => `service-${i}`);
const INSTANCES = 3;
/** Ten times a lease. */
const PAUSE_MS = 30_000;
const WRITE_EVERY_MS = 500;

/** Real processes: data servers of which some are killed or stand still while the registry is used. */
describe('a data tier with two replicas of every slot', () => {
  let folder: string;
  let cluster: Cluster;
  let client: RegistryClient;
  let watches: Watch[];
  const published = new Map<string, Set<string>>(SERVICES.map((service) => [service, new Set()]));

  const session = (): ClusterNode => cluster.of('session')[0]!;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rollcall-data-'));
    const env = { ROLLCALL_CLUSTER_SLOT_COUNT: '32' };
    cluster = await Cluster.open({ dir: folder, meta: 1, data: 3, session: 2, basePort: 0, env });
    await cluster.start();
    client = new RegistryClient({ seeds: cluster.of('session').map(({ rpcAddress }) => rpcAddress) });
    for (const service of SERVICES) for (let i = 0; i < INSTANCES; i++) await publish(service, `instance-${i}`);
    const base = `http://${session().httpAddress}`;
    watches = await Promise.all(SERVICES.map((service) => Watch.open(base, `dataId=${service}`)));
    await tableOf(session(), (table) => isWhole(table, 2));
    await everythingIsShown();
  }, 60_000);

  afterAll(async () => {
    for (const watch of watches ?? []) watch.close();
    await client?.close({ drain: false });
    await cluster.stop();
    await rm(folder, { recursive: true, force: true });
  }, 60_000);

  async function publish(dataId: string, value: string): Promise<void> {
    await client.publish({ dataId, data: [value] });
    published.get(dataId)!.add(value);
  }

  /** Registers over HTTP, which is answered well only once the leader of the slot has it. */
  async function store(dataId: string, value: string): Promise<void> {
    for (;;) {
      const body = { dataId, registerId: value, data: [value], leaseMs: 600_000 };
      const { status } = await http('POST', `http://${session().httpAddress}/v1/publishers`, body);
      if (status === 201) break;
      expect(status).toBe(503);
      await setTimeout(10);
    }
    published.get(dataId)!.add(value);
  }

  /** And no list has ever lost a connected instance on the way there: nobody has unpublished any. */
  async function everythingIsShown(): Promise<void> {
    await Promise.all(
      watches.map((watch, i) =>
        watch.until(() => watch.data.join() === [...published.get(SERVICES[i]!)!].toSorted().join()),
      ),
    );
    for (const { events } of watches) {
      // A lease that was refused may be seen for a moment, if its leader had it and was replaced before it could say so.
      const isHeld = ({ registerId }: { registerId: string }): boolean => !registerId.startsWith('L.');
      const sizes = events.map(({ datum }) => datum.publishers.filter(isHeld).length);
      expect(sizes).toEqual(sizes.toSorted((a, b) => a - b));
    }
  }

  /** The data server that leads the service's slot, and the services in slots that it leads. */
  async function leaderOf(service: string): Promise<{ node: ClusterNode; services: string[] }> {
    const table = await tableOf(session(), (each) => isWhole(each, 2));
    const led = (dataId: string): string | undefined => addressOf(table, slotHolding(table, dataId).leader);
    const address = led(service);
    const node = cluster.of('data').find(({ rpcAddress }) => rpcAddress === address)!;
    return { node, services: SERVICES.filter((dataId) => led(dataId) === address) };
  }

  it('takes over at once what a killed server led, shows nobody a shorter list, and takes the server in again', async () => {
    for (let round = 0; round < 3; round++) {
      const { node, services } = await leaderOf(SERVICES[round]!);
      expect(services.length).toBeGreaterThan(0);
      await node.kill('SIGKILL');
      await Promise.all(services.map((service) => store(service, `round-${round}`)));
      await Promise.all(SERVICES.map((service) => publish(service, `connected-${round}`)));
      await everythingIsShown();
      await node.start().ready();
    }
    // From here on nothing moves by itself.
    const epoch = await balanced(() => cluster.of('meta')[0]!);
    await tableOf(session(), (table) => table.epoch >= epoch && isWhole(table, 2));
  }, 120_000);

  it('has a follower promoted with what it holds, rather than a leader that begins from nothing', async () => {
    const table = await tableOf(session(), (each) => isWhole(each, 2));
    expect(table.slots.some(({ begun }) => begun === false)).toBe(true);
  });

  it('tells over HTTP what it holds, how far followers are, and who, when and why something disappeared', async () => {
    const { node } = await leaderOf('service-0');
    const table = await tableOf(session(), (each) => isWhole(each, 2));
    const from = ({ httpAddress }: ClusterNode, path: string): Promise<Answer> =>
      http('GET', `http://${httpAddress}/v1/${path}`);
    const at = (path: string): ReturnType<typeof from> => from(node, path);
    // Of a name that nobody watches, since what is watched here never shrinks.
    const gone = await client.publish({ dataId: 'unwatched', data: ['gone'] });
    await gone.unpublish();
    const goneFrom = table.slots.indexOf(slotHolding(table, 'unwatched'));
    const { body } = await from((await leaderOf('unwatched')).node, `slots/${goneFrom}/removals`);
    expect(body.removals[0]).toMatchObject({ dataId: 'unwatched', registerId: gone.registerId, cause: 'unpublish' });
    expect(body.removals[0].agoMs).toBeGreaterThanOrEqual(0);
    const slot = table.slots.indexOf(slotHolding(table, 'service-0'));
    const led = async (): Promise<Answer['body']> =>
      (await at('slots')).body.slots.find((each: { slot: number }) => each.slot === slot);
    // Who has just handed a slot over has yet to find its way to the next leader; and a leader that did not hold all
    // when it became one waits for the session servers to bring what they have.
    const isSettled = ({ complete, followers }: Answer['body']): boolean => complete && followers[0]?.streaming;
    while (!isSettled(await led())) await setTimeout(10);
    expect(await led()).toMatchObject({ complete: true, followers: [{ streaming: true }] });
    const datum = await at('datums?dataId=service-0');
    expect(
      datum.body.publications.map((each: { content: { data: string[] } }) => each.content.data[0]).toSorted(),
    ).toEqual([...published.get('service-0')!].toSorted());
    expect((await at('stats')).body).toMatchObject({ divergencesFound: 0 });
    const metrics = await (await fetch(`http://${node.httpAddress}/metrics`)).text();
    expect(metrics).toMatch(/^rollcall_divergence_found_total 0$/m);
    expect(metrics).toMatch(/^rollcall_divergence_repaired_total 0$/m);
    expect(metrics).toMatch(
      new RegExp(`^rollcall_slot_agreement_age_seconds\\{slot="${slot}",with="session"\\} [0-9.]+$`, 'm'),
    );
    expect((await at('slots/99/removals')).status).toBe(404);
    expect((await at('datums?dataId=')).body.code).toBe('INVALID_NAME');
  });

  it('accepts no write at a server that stood still for longer than its lease, and takes it back as another', async () => {
    const { node, services } = await leaderOf(SERVICES[0]!);
    node.pause();
    const untilMs = performance.now() + PAUSE_MS;
    // Writes wait until others lead what it led; it is not asked, since its lease ends while it stands still.
    for (let round = 0; round === 0 || performance.now() < untilMs; round++) {
      await Promise.all(services.map((service) => store(service, `while-paused-${round}`)));
      await everythingIsShown();
      await setTimeout(WRITE_EVERY_MS);
    }
    node.resume();
    await Promise.all(services.map((service) => store(service, 'after-pause')));
    await everythingIsShown();
    const table = await tableOf(session(), (each) => isWhole(each, 2) && addressesOf(each).includes(node.rpcAddress));
    expect(addressesOf(table)).toHaveLength(3);
    await everythingIsShown();
  }, 120_000);

  it('hands the slots of a fourth server over without an error to anybody, and those of one that leaves', async () => {
    const env = { ROLLCALL_CLUSTER_SLOT_COUNT: '32' };
    const grown = await Cluster.open({ dir: folder, data: 4, basePort: 0, env });
    const fourth = grown.node('data-4');
    const done = new AbortController();
    const failures: unknown[] = [];
    const publishing = (async () => {
      for (let i = 0; !done.signal.aborted; i++) {
        for (const service of SERVICES.slice(0, 6))
          await publish(service, `growing-${i}`).catch((error: unknown) => failures.push(error));
        await setTimeout(20);
      }
    })();
    await fourth.start().ready();
    const leads = (each: Parameters<typeof isWhole>[0]): number =>
      each.slots.filter(({ leader }) => addressOf(each, leader) === fourth.rpcAddress).length;
    await tableOf(session(), (each) => isWhole(each, 2) && leads(each) >= 6);
    expect(await fourth.stop()).toMatchObject({ code: 0 });
    await tableOf(session(), (each) => isWhole(each, 2) && !addressesOf(each).includes(fourth.rpcAddress));
    done.abort();
    await publishing;
    expect(failures).toEqual([]);
    await everythingIsShown();
  }, 120_000);
});

function addressesOf({ members }: { members: { role: string; address: string }[] }): string[] {
  return members.filter(({ role }) => role === 'data').map(({ address }) => address);
}
