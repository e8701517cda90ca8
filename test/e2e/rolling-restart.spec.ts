import { createServer } from 'node:http';
import { type AddressInfo } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { RegistryClient } from '#client';
import type { Cluster } from '../../scripts/lib/cluster.mjs';
import { endCluster, startCluster } from '../support/cluster.js';
import { rollcall } from '../support/cli.js';

const PUBLISHERS = 20;

/** Every process of a cluster of 3, 3 and 2 is restarted while clients publish and watch. */
describe('rollcall rolling-restart', () => {
  let cluster: Cluster;

  beforeAll(async () => {
    cluster = await startCluster({ meta: 3, data: 3, session: 2 });
  }, 60_000);

  afterAll(async () => {
    await endCluster(cluster);
  }, 60_000);

  it('restarts everything, and no client notices', async () => {
    const env = {
      ROLLCALL_ADDRESS: cluster
        .of('meta')
        .map(({ httpAddress }) => httpAddress)
        .join(','),
    };
    expect(await rollcall(['rebalance', 'run'], { env })).toMatchObject({ code: 0 });
    const plan = await rollcall(['rolling-restart', '--plan', '--json'], { env });
    const steps = plan.json.steps as { role: string; address: string }[];
    expect(steps.map(({ role }) => role)).toEqual([
      ...['meta', 'meta', 'meta', 'data', 'data', 'data', 'session', 'session'],
    ]);
    expect(steps.map(({ address }) => address).toSorted()).toEqual(
      cluster.nodes.map(({ rpcAddress }) => rpcAddress).toSorted(),
    );

    const before = new Map(cluster.nodes.map(({ name, pid }) => [name, pid]));
    const load = await Load.start(cluster.of('session').map(({ rpcAddress }) => rpcAddress));
    const supervisor = await Supervisor.start(cluster);
    const run = await rollcall(['rolling-restart', '--exec', supervisor.command], { env });
    const { failures, shrunken, rounds } = await load.stop();
    await supervisor.stop();

    expect([run.code, run.err.slice(-2_000)]).toEqual([0, expect.anything()]);
    // The meta server that leads is the last of its kind, and may have become another one since the plan.
    const roles = new Map(steps.map(({ address, role }) => [address, role]));
    expect(supervisor.restarted.map((address) => roles.get(address))).toEqual(steps.map(({ role }) => role));
    expect(supervisor.restarted.toSorted()).toEqual(steps.map(({ address }) => address).toSorted());
    for (const { name, pid } of cluster.nodes) expect([name, pid === before.get(name)]).toEqual([name, false]);
    expect({ failures, shrunken }).toEqual({ failures: [], shrunken: [] });
    // It was under load all the time.
    expect(rounds).toBeGreaterThan(20);
  }, 240_000);

  it('stops nothing more where a restart fails', async () => {
    const env = { ROLLCALL_ADDRESS: cluster.node('meta-1').httpAddress };
    const run = await rollcall(['rolling-restart', '--role', 'data', '--exec', 'echo no such unit; exit 3'], { env });
    expect(run).toMatchObject({ code: 1, err: expect.stringMatching(/ended with 3; nothing else .* no such unit/) });
    expect((await rollcall(['rolling-restart'], { env })).code).toBe(2);
  });
});

/** Restarts a server when it is told to, as systemd would. */
class Supervisor {
  readonly restarted: string[] = [];
  private readonly server = createServer((request, response) => {
    const address = decodeURIComponent(request.url!.slice(1));
    this.restart(address).then(
      () => response.end(),
      () => response.writeHead(500).end(),
    );
  });

  static async start(cluster: Cluster): Promise<Supervisor> {
    const supervisor = new Supervisor(cluster);
    await new Promise<void>((resolve) => supervisor.server.listen(0, '127.0.0.1', resolve));
    return supervisor;
  }

  private constructor(private readonly cluster: Cluster) {}

  get command(): string {
    const { port } = this.server.address() as AddressInfo;
    const ask = `fetch('http://127.0.0.1:${port}/' + process.env.ROLLCALL_SERVER).then((a) => process.exit(a.ok ? 0 : 1))`;
    return `"${process.execPath}" -e "${ask}"`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async restart(address: string): Promise<void> {
    this.restarted.push(address);
    const node = this.cluster.nodes.find(({ rpcAddress }) => rpcAddress === address)!;
    const { code } = await node.stop();
    if (code !== 0) throw new Error(`${node.name} ended with ${code}`);
    node.start();
  }
}

/** Clients that publish anew all the time, and one that watches that nothing of it ever goes missing. */
class Load {
  private readonly failures: unknown[] = [];
  private readonly shrunken: number[] = [];
  private rounds = 0;
  private readonly ended = new AbortController();
  private running: Promise<void> = Promise.resolve();

  static async start(seeds: string[]): Promise<Load> {
    const load = new Load(
      seeds.map((seed) => new RegistryClient({ seeds: [seed, ...seeds] })),
      new RegistryClient({ seeds }),
    );
    await load.begin();
    return load;
  }

  private constructor(
    private readonly clients: RegistryClient[],
    private readonly watching: RegistryClient,
  ) {}

  async stop(): Promise<{ failures: unknown[]; shrunken: number[]; rounds: number }> {
    this.ended.abort();
    await this.running;
    await Promise.all([...this.clients, this.watching].map((client) => client.close({ drain: false })));
    const { failures, shrunken, rounds } = this;
    return { failures, shrunken, rounds };
  }

  private async begin(): Promise<void> {
    const publishers = await Promise.all(
      Array.from({ length: PUBLISHERS }, (_, at) =>
        this.clients[at % this.clients.length]!.publish({ dataId: `service-${at % 4}`, data: ['0'] }),
      ),
    );
    for (let at = 0; at < 4; at++)
      await new Promise<void>((resolve) =>
        this.watching.subscribe({ dataId: `service-${at}` }, ({ publishers: seen }) => {
          if (seen.length === PUBLISHERS / 4) resolve();
          else if (this.rounds > 0) this.shrunken.push(seen.length);
        }),
      );
    this.running = (async () => {
      while (!this.ended.signal.aborted) {
        this.rounds++;
        const data = [String(this.rounds)];
        const all = await Promise.allSettled([
          ...publishers.map((publisher) => publisher.republish(data)),
          ...this.clients.map((client) => client.query({ dataId: 'service-1' })),
        ]);
        for (const one of all) if (one.status === 'rejected') this.failures.push(one.reason);
        await setTimeout(50);
      }
    })();
  }
}
