import type { MembershipChange, NodeId } from '#consensus';
import type { Random } from '#model';
import type { Group } from './group.js';
import type { SimNode } from './node.js';

const MAX_VOTERS = 5;
const RETRY_MS = 80;

/** Each answers whether it is done; otherwise it is tried again, against whoever leads then. */
type Step = (leader: SimNode) => boolean;

/**
 * Changes the membership, one plan after the other: grows the group, shrinks it (also by its leader), replaces a node
 * whose disk is gone. A plan ends only when the configuration is what it was to be, whatever happens meanwhile.
 */
export class Administrator {
  private readonly random: Random;
  private plan: Step[] = [];
  private asking = false;
  private dismissed = new Set<NodeId>();

  constructor(private readonly group: Group) {
    this.random = group.fork();
    this.tick();
  }

  get busy(): boolean {
    return this.plan.length > 0;
  }

  grow(): boolean {
    const leader = this.settledLeader();
    if (!leader || leader.status.configuration.voters.length >= MAX_VOTERS) return false;
    this.join();
    return true;
  }

  /** Sometimes it is the leader that goes. */
  shrink(): boolean {
    const leader = this.settledLeader();
    const voters = leader?.status.configuration.voters ?? [];
    if (!leader || voters.length < 3) return false;
    const leaves = this.random() < 0.4 ? leader.id : this.one(voters);
    this.leave(leaves);
    return true;
  }

  /** A node dies for good; another takes its place. No more than one at a time, so that a majority stays. */
  replace(): boolean {
    const leader = this.settledLeader();
    const voters = leader?.status.configuration.voters ?? [];
    if (!leader || voters.length < 3 || voters.some((id) => this.group.node(id)!.destroyed)) return false;
    const dead = this.group.node(this.one(voters))!;
    dead.destroy();
    this.group.note(dead.id, 'its disk is gone');
    this.join();
    this.leave(dead.id);
    this.plan.push(() => {
      this.group.exercised.count('dead nodes replaced');
      return true;
    });
    return true;
  }

  private join(): void {
    const { id } = this.group.addNode();
    this.plan.push(
      (leader) => {
        const { voters, outgoing, learners } = leader.status.configuration;
        if ([...voters, ...(outgoing ?? []), ...learners].includes(id)) return true;
        return this.ask(leader, { type: 'addLearner', node: id });
      },
      (leader) => {
        const { voters, outgoing } = leader.status.configuration;
        if (voters.includes(id) && !outgoing) {
          this.group.exercised.count('learners promoted');
          return true;
        }
        return this.ask(leader, { type: 'promote', node: id });
      },
    );
  }

  private leave(id: NodeId): void {
    this.plan.push((leader) => {
      const { voters, outgoing, learners } = leader.status.configuration;
      if ([...voters, ...(outgoing ?? []), ...learners].includes(id)) {
        if (leader.id === id) this.dismissed.add(id);
        return this.ask(leader, { type: 'remove', node: id });
      }
      if (this.dismissed.has(id)) this.group.exercised.count('leaders removed');
      // Switched off some time later: until then it may disturb the others as much as it can.
      this.group.clock.at(this.group.nowMs + this.random() * 1_500, () => this.group.node(id)!.destroy());
      return true;
    });
  }

  private tick(): void {
    this.group.clock.at(this.group.nowMs + RETRY_MS * (0.5 + this.random()), () => {
      const { leader } = this.group;
      const [step] = this.plan;
      if (leader && step && !this.asking && committed(leader) && step(leader)) this.plan.shift();
      this.tick();
    });
  }

  private ask(leader: SimNode, change: MembershipChange): boolean {
    this.asking = true;
    const over = (): void => {
      cancel();
      this.asking = false;
    };
    const cancel = this.group.clock.at(this.group.nowMs + 600, over);
    this.group.note('administrator', `asks ${leader.id} to ${change.type} ${change.node}`);
    leader.change(change, (answer) => {
      this.group.note('administrator', `${change.type} ${change.node}: ${answer.ok ? 'done' : answer.failure.message}`);
      over();
    });
    return false;
  }

  private settledLeader(): SimNode | undefined {
    const { leader, nodes } = this.group;
    // One that others have left behind may believe in a majority that the group does not have any more.
    if (nodes.some(({ status }) => status.term > (leader?.status.term ?? 0))) return undefined;
    return leader && !this.busy && !leader.status.configuration.outgoing && committed(leader) ? leader : undefined;
  }

  private one<T>(from: readonly T[]): T {
    return from[Math.floor(this.random() * from.length)]!;
  }
}

/** Whether everything in the leader's log is committed, its configuration too. */
function committed({ log, status }: SimNode): boolean {
  return status.commit >= (log.all.findLast(({ kind }) => kind === 'configuration')?.index ?? 0);
}
