import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { type FromMeta, PROTOCOL_VERSION, type RoutingTable, type ToMeta } from '#model';
import { Links } from '#nest';
import { Cluster, type ClusterNode } from '../../scripts/lib/cluster.mjs';
import { http } from '../support/http.js';
import { Watch } from '../support/watch.js';

/** Far longer than any test: whoever departs in less has not departed because its lease ended. */
const LEASE_MS = 300_000;

/** A member of the cluster in this process: it is told every table, and says what the test wants meta to hear. */
class Witness {
  table: RoutingTable | undefined;
  private link: number | undefined;
  private readonly links: Links<ToMeta, FromMeta>;

  constructor(meta: string) {
    const incarnation = 'witness';
    this.links = new Links<ToMeta, FromMeta>({
      hello: () => ({ protocol: PROTOCOL_VERSION, role: 'session', incarnation }),
      onEvent: (event) => {
        if (event.type === 'linkUp') {
          this.link = event.link;
          const [address, httpAddress] = ['127.0.0.1:1', '127.0.0.1:2'];
          this.send({
            kind: 'join',
            member: { role: 'session', incarnation, address, httpAddress, zone: 'z', weight: 1 },
          });
        }
        if (event.type === 'received' && event.message.kind === 'table') this.table = event.message.table;
      },
    });
    this.links.perform({ type: 'dial', address: meta });
  }

  /** Resolves once the table is as the test wants it. */
  async sees(condition: (table: RoutingTable) => boolean): Promise<RoutingTable> {
    while (!this.table || !condition(this.table)) await setTimeout(10);
    return this.table;
  }

  incarnationOf(node: ClusterNode): string {
    return this.table!.members.find(({ address }) => address === node.rpcAddress)!.incarnation;
  }

  suspect(incarnation: string): void {
    this.send({ kind: 'suspect', incarnation });
  }

  close(): Promise<void> {
    return this.links.close();
  }

  private send(message: ToMeta): void {
    this.links.perform({ type: 'send', link: this.link!, message });
  }
}

/** Real processes with leases that last longer than the test: what happens to a member, happens because it was proved. */
describe('a server that is suspected to be dead', () => {
  let folder: string;
  let cluster: Cluster;
  let witness: Witness;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rollcall-suspicion-'));
    const env = { ROLLCALL_META_LIMITS_LEASE_MS: `${LEASE_MS}`, ROLLCALL_LOG_LEVEL: 'debug' };
    cluster = await Cluster.open({ dir: folder, meta: 1, data: 2, session: 3, basePort: 0, env });
    await cluster.start();
    witness = new Witness(cluster.metaAddresses[0]!);
    await witness.sees(({ slots }) => new Set(slots.map(({ leader }) => leader)).size === 2);
  }, 60_000);

  afterAll(async () => {
    await witness.close();
    await cluster.kill();
    await rm(folder, { recursive: true, force: true });
  }, 60_000);

  const metaLog = (): string => readFileSync(cluster.node('meta-1').logFile, 'utf8');
  const departed = (): string[] =>
    witness.table!.departed.filter(({ cause }) => cause !== 'left').map(({ cause }) => cause);

  /** Reports a member until meta has dialled it so often with this outcome. */
  async function probed(incarnation: string, found: string, times: number): Promise<void> {
    const line = new RegExp(`"member-probed","incarnation":"${incarnation}".*"found":"${found}"`, 'g');
    while ((metaLog().match(line) ?? []).length < times) {
      witness.suspect(incarnation);
      await setTimeout(50);
    }
  }

  it('is let be while it only stands still, however many report it', async () => {
    const data = cluster.node('data-2');
    const suspected = witness.incarnationOf(data);
    data.pause();
    try {
      await probed(suspected, 'unreachable', 3);
    } finally {
      data.resume();
    }
    await probed(suspected, 'alive', 1);
    expect(departed()).toEqual([]);
    expect(data.log()).not.toContain('"new-incarnation"');
  });

  it('is let be when it answers, a session server too', async () => {
    await probed(witness.incarnationOf(cluster.node('session-2')), 'alive', 2);
    await probed(witness.incarnationOf(cluster.node('data-1')), 'alive', 2);
    expect(departed()).toEqual([]);
  });

  it('has its slots led by another at once when it was killed, and writes go on', async () => {
    const data = cluster.node('data-2');
    const base = `http://${cluster.of('session')[0]!.httpAddress}`;
    const dead = witness.incarnationOf(data);
    const led = witness.table!.slots.filter(({ leader }) => leader === dead).length;
    expect(led).toBeGreaterThan(0);
    const watch = await Watch.open(base, 'dataId=name-0');
    await data.kill('SIGKILL');
    const table = await witness.sees(({ slots }) => slots.every(({ leader }) => leader !== dead));
    expect(table.departed).toContainEqual(expect.objectContaining({ incarnation: dead, cause: 'refused' }));
    for (let name = 0; name < 20; name++) {
      const body = { dataId: `name-${name}`, data: ['here'], leaseMs: 600_000 };
      let answer = await http('POST', `${base}/v1/publishers`, body);
      while (answer.status === 503) answer = await http('POST', `${base}/v1/publishers`, body);
      expect(answer).toMatchObject({ status: 201, body: { state: 'stored' } });
    }
    await watch.until(() => watch.data.join() === 'here');
    watch.close();
  });

  it('is let go of at once when it was a session server', async () => {
    const session = cluster.node('session-3');
    const dead = witness.incarnationOf(session);
    await session.kill('SIGKILL');
    const table = await witness.sees(({ members }) => members.every(({ incarnation }) => incarnation !== dead));
    expect(table.departed).toContainEqual(expect.objectContaining({ incarnation: dead, cause: 'refused' }));
  });

  it('is a member again, with slots to lead, when it has been started again', async () => {
    const data = cluster.node('data-2');
    await data.start().ready();
    await witness.sees(({ members }) => members.some(({ address }) => address === data.rpcAddress));
    const incarnation = witness.incarnationOf(data);
    await witness.sees(({ slots }) => slots.some(({ leader }) => leader === incarnation));
    expect(departed()).toEqual(['refused', 'refused']);
  });
});
