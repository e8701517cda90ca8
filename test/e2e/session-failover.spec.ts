import { once } from 'node:events';
import { connect } from 'node:net';
import { type Inhabitant, Town, versionShown } from '../../bench/src/failover/town.js';
import type { Cluster, ClusterNode } from '../../scripts/lib/cluster.mjs';
import { endCluster, startCluster } from '../support/cluster.js';
import { encodeFrame } from '#wire';
import { Watch } from '../support/watch.js';

const SERVICES = 10;
const CHURN_PER_SECOND = 50;
const SETTLE_MS = 60_000;

/** Publishes over a bare socket, whose owner never comes back. */
async function abandon({ rpcPort }: ClusterNode, dataId: string): Promise<void> {
  const socket = connect({ port: rpcPort, host: '127.0.0.1' });
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  socket.write(encodeFrame({ pattern: 'registry.publish', data: { dataId, data: ['abandoned'] }, id: 1 }));
  await once(socket, 'data');
}

/** Resolves when it is shown what the witness has published after this call. */
function shown({ subscriber }: Inhabitant, witness: Inhabitant): Promise<void> {
  const since = witness.version;
  return new Promise((resolve) => {
    const check = (): void => {
      if (versionShown(subscriber.current().publishers, witness) <= since) return;
      subscriber.off('change', check);
      resolve();
    };
    subscriber.on('change', check);
  });
}

/** Real processes: one of two session servers is killed while what its clients publish, and others, changes. */
describe('a session server that is killed', () => {
  let cluster: Cluster;
  const town = new Town(SERVICES);
  const everybody: Inhabitant[] = [];

  beforeAll(async () => {
    cluster = await startCluster({ meta: 1, data: 2, session: 2 });
  }, 60_000);

  afterAll(async () => {
    await town.rest();
    await town.leave(everybody);
    await endCluster(cluster);
  }, 60_000);

  it('takes nobody off any list, shows nobody twice, and leaves nobody with an old version', async () => {
    const [victim, other] = cluster.of('session') as [ClusterNode, ClusterNode];
    const neighbours = await town.settle(2 * SERVICES, [other.rpcAddress]);
    const homeless = await town.settle(10 * SERVICES, [victim.rpcAddress]);
    everybody.push(...neighbours, ...homeless);
    await abandon(victim, 'abandoned');
    const watch = await Watch.open(`http://${other.httpAddress}`, 'dataId=abandoned');
    await watch.until(({ data }) => data.join() === 'abandoned');
    town.churn(CHURN_PER_SECOND);
    town.guard(true);
    const killed = victim.kill('SIGKILL');
    const witnesses = Array.from({ length: SERVICES }, (_, service) =>
      neighbours.find((each) => each.service === service)!,
    );
    const all = homeless.map((each) => shown(each, witnesses[each.service]!));
    await Promise.all([killed, ...all, ...witnesses.map((each) => town.republish(each))]);
    expect(new Set(homeless.map(({ client }) => client.status.server))).toEqual(new Set([other.rpcAddress]));
    // By then whatever the dead server held, and nobody has brought elsewhere, has left.
    await watch.until(({ data }) => data.length === 0);
    watch.close();
    await town.rest();
    expect(await town.wrong(SETTLE_MS)).toBe(0);
    town.guard(false);
    expect(town.faults).toEqual([]);
    expect(town.failed).toBe(0);
    expect(town.republished).toBeGreaterThan(SERVICES);
  }, 120_000);
});
