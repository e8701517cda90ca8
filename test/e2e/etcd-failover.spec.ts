import { setTimeout } from 'node:timers/promises';
import { Etcd3, type Lease } from 'etcd3';
import { type Cluster, type ClusterNode, portsFrom } from '../../scripts/lib/cluster.mjs';
import { endCluster, startCluster } from '../support/cluster.js';
import { Etcdctl, etcdIsInstalled } from '../support/etcdctl.js';

const TTL_S = 9;
/** A client of npm's etcd3 keeps a lease alive three times in its time. */
const EVERY_MS = (TTL_S * 1_000) / 3;
const CLIENTS = 6;
const KILLS = Number(process.env['ETCD_KILLS'] ?? 2);
const OUTAGE_MOST_MS = 5_000;

/** Real processes: one of two session servers is killed again and again, and started again each time. */
describe('stock clients of etcd that know both of two session servers', () => {
  let cluster: Cluster;
  let sessions: ClusterNode[];
  let endpoints: string[];
  const open: { close(): unknown }[] = [];

  beforeAll(async () => {
    const env = { ROLLCALL_SESSION_ETCD_ENABLED: 'true' };
    // The same each time that it is started, since clients know it by that.
    const next = portsFrom(0);
    const [one, other] = [await next(), await next()];
    const envOf = {
      'session-1': { ROLLCALL_SESSION_ETCD_PORT: String(one) },
      'session-2': { ROLLCALL_SESSION_ETCD_PORT: String(other) },
    };
    cluster = await startCluster({ meta: 3, data: 3, session: 2, env, envOf });
    sessions = cluster.of('session');
    endpoints = await Promise.all(sessions.map(etcdAddressOf));
  }, 60_000);

  afterAll(async () => {
    for (const each of open) await each.close();
    await endCluster(cluster);
  }, 60_000);

  it(
    'have no keepalive late by five seconds, whichever is killed, and lose no lease',
    async () => {
      const lost: unknown[] = [];
      const last: number[] = Array.from({ length: CLIENTS }, () => 0);
      const gaps: number[] = [];
      const leases = await Promise.all(
        last.map(async (_, index): Promise<Lease> => {
          // Both sides of what is killed: clients begin with either.
          const etcd = new Etcd3({ hosts: index % 2 ? endpoints : endpoints.toReversed() });
          open.push(etcd);
          const lease = etcd.lease(TTL_S);
          lease.on('lost', (error) => lost.push(error));
          lease.on('keepaliveSucceeded', () => {
            const now = performance.now();
            if (last[index]! > 0) gaps.push(now - last[index]!);
            last[index] = now;
          });
          await lease.put(`app/failover/${index}`).value('1');
          return lease;
        }),
      );
      const renewedSince = async (ms: number): Promise<void> => {
        while (last.some((at) => at < ms)) await setTimeout(20);
      };
      await renewedSince(performance.now());
      const longest: number[] = [];
      for (let kill = 0; kill < KILLS; kill++) {
        const victim = sessions[kill % 2]!;
        // At another moment between two keepalives each time.
        await setTimeout(((kill % 4) * EVERY_MS) / 4);
        gaps.length = 0;
        await victim.kill('SIGKILL');
        await renewedSince(performance.now());
        longest.push(Math.max(...gaps));
        await victim.start().ready();
        await renewedSince(performance.now() + 1);
      }
      if (process.env['ETCD_KILLS']) console.log(`between keepalives: ${longest.map(Math.round).join(' ')} ms`);
      expect(lost).toEqual([]);
      expect(Math.max(...longest)).toBeLessThan(EVERY_MS + OUTAGE_MOST_MS);
      const [first] = open as Etcd3[];
      expect(await first!.getAll().prefix('app/failover/').keys()).toHaveLength(CLIENTS);
      for (const lease of leases) await lease.revoke();
      expect(await first!.getAll().prefix('app/failover/').keys()).toEqual([]);
    },
    60_000 + KILLS * 45_000,
  );

  (etcdIsInstalled ? describe : describe.skip)('the command of etcd', () => {
    it('is answered by the one that is left', async () => {
      const both = new Etcdctl(endpoints.join(','));
      expect(await both.run(['put', 'app/ctl', '1'])).toMatchObject({ stdout: 'OK\n', code: 0 });
      await sessions[0]!.kill('SIGKILL');
      expect(await both.run(['get', 'app/ctl'])).toMatchObject({ stdout: 'app/ctl\n1\n', code: 0 });
      expect(await both.run(['put', 'app/ctl', '2'])).toMatchObject({ stdout: 'OK\n', code: 0 });
      expect(await new Etcdctl(endpoints[1]!).run(['get', 'app/ctl'])).toMatchObject({ stdout: 'app/ctl\n2\n' });
    }, 60_000);
  });
});

async function etcdAddressOf({ httpAddress }: ClusterNode): Promise<string> {
  const { etcdAddress } = (await (await fetch(`http://${httpAddress}/version`)).json()) as { etcdAddress: string };
  return etcdAddress;
}
