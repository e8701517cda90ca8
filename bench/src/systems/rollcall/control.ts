import type { Node, Servers } from '../../cluster.js';
import { caughtUp, readyLeader } from '../../failover/meta-group.js';
import { isShared, wholeTable } from '../../failover/whole-table.js';
import type { Control, Kind } from '../../harness/control.js';
import { KINDS } from '../../harness/control.js';
import { Victims } from '../../harness/victims.js';

/** Longer than it takes where the load leaves a server little of a core. */
const READY_MS = 60_000;

/** Of a cluster with several servers of each tier. */
export class RollcallControl implements Control {
  readonly kinds = KINDS;
  private readonly victims = new Victims();

  constructor(private readonly cluster: Servers) {}

  async kill(kind: Kind): Promise<string> {
    const victim = await this.victim(kind);
    await victim.kill('SIGKILL');
    return victim.name;
  }

  async restart(name: string): Promise<void> {
    const { cluster } = this;
    const node = cluster.node(name);
    await node.start().ready(READY_MS);
    const { node: leader, status } = await readyLeader(cluster.of('meta'));
    await Promise.all(cluster.of('meta').map((each) => each === leader || caughtUp(each, status.commit)));
    const [data, sessions] = [cluster.of('data'), cluster.of('session')];
    await wholeTable(sessions[0]!, (table) => isShared(table, data, sessions));
  }

  private async victim(kind: Kind): Promise<Node> {
    const { cluster } = this;
    // Each data server leads some slots.
    if (kind === 'meta') return (await readyLeader(cluster.of('meta'))).node;
    const names = cluster.of(kind === 'leader' ? 'data' : 'session').map((node) => node.name);
    return cluster.node(this.victims.next(names));
  }
}
