import type { Cluster, PlanInput, Slot } from './cluster.js';
import { type Bounds, leaderBounds } from './shares.js';
import type { BeginStep, PromoteStep } from './steps.js';

export type RepairStep = PromoteStep | BeginStep;

/** Whether nobody may lead the slot until one of its complete replicas returns, or an operator gives it up. */
export function isWaiting({ leader, followers, durable }: Slot): boolean {
  return durable && leader < 0 && followers.length === 0;
}

/**
 * A leader for every slot whose own is gone or unfit, without bound: until then the slot cannot be written to. A
 * complete follower takes over where one lives, and otherwise a server begins from empty. The former have less choice,
 * so they are chosen first.
 */
export function repairLeaders(cluster: Cluster, input: PlanInput): RepairStep[] {
  if (cluster.servers.length === 0) return [];
  const repair = new Repair(cluster, input);
  const promoted: PromoteStep[] = [];
  const orphans: number[] = [];
  for (let slot = 0; slot < cluster.slots.length; slot++) {
    if (repair.isLed(slot)) continue;
    const step = repair.promote(slot);
    if (step) promoted.push(step);
    else if (repair.mayBegin(slot)) orphans.push(slot);
  }
  const begun = [
    // Those that a joining replica can begin have less choice than the others.
    ...orphans.filter((slot) => cluster.slots[slot]!.joining.length > 0),
    ...orphans.filter((slot) => cluster.slots[slot]!.joining.length === 0),
  ].map((slot) => repair.begin(slot));
  return [...promoted, ...begun.toSorted((a, b) => a.slot - b.slot)];
}

class Repair {
  private readonly bounds: Bounds;
  private readonly leads: number[];
  /** Who may begin from empty. */
  private readonly beginners: number[];

  constructor(
    private readonly cluster: Cluster,
    private readonly input: PlanInput,
  ) {
    const { servers, placeable, fit, slots } = cluster;
    const all = servers.map((_, server) => server);
    const best = all.filter((server) => placeable[server] && fit[server]);
    this.beginners = best.length > 0 ? best : all.filter((server) => fit[server]);
    const led = slots.filter((slot) => !isWaiting(slot)).length;
    const mayLead = all.map((server) => this.beginners.includes(server));
    this.bounds = leaderBounds(cluster, mayLead, led);
    this.leads = all.map(() => 0);
    slots.forEach(({ leader }, slot) => {
      if (this.isLed(slot)) this.leads[leader]!++;
    });
  }

  isLed(slot: number): boolean {
    const { leader } = this.cluster.slots[slot]!;
    return leader >= 0 && this.cluster.fit[leader]!;
  }

  promote(slot: number): PromoteStep | undefined {
    const { cluster } = this;
    const { leader, followers } = cluster.slots[slot]!;
    const fit = followers.filter((server) => cluster.fit[server]);
    const isLastResort = fit.length === 0 && leader < 0 && !this.mayBegin(slot);
    const successor = this.pick(slot, isLastResort ? followers : fit);
    if (successor === undefined) return undefined;
    const step = { ...this.common(slot), type: 'promote' as const, leader: this.incarnation(successor) };
    return this.take({ ...step, reason: leader < 0 ? 'leader-gone' : 'leader-unfit' }, successor);
  }

  mayBegin(slot: number): boolean {
    return !this.cluster.slots[slot]!.durable && this.beginners.length > 0;
  }

  begin(slot: number): BeginStep {
    const { cluster } = this;
    const { leader, joining, unassigned } = cluster.slots[slot]!;
    const started = joining.filter((server) => this.beginners.includes(server));
    const beginner = this.pick(slot, started.length > 0 ? started : this.beginners)!;
    const reason = unassigned ? 'unassigned' : leader < 0 ? 'leader-gone' : 'leader-unfit';
    return this.take({ ...this.common(slot), type: 'begin', leader: this.incarnation(beginner), reason }, beginner);
  }

  /** Who stays in the long run; of those who lags least; of those who should lead more. */
  private pick(slot: number, candidates: readonly number[]): number | undefined {
    let best = candidates[0];
    for (let at = 1; at < candidates.length; at++)
      if (this.isBetter(slot, candidates[at]!, best!)) best = candidates[at]!;
    return best;
  }

  private isBetter(slot: number, server: number, than: number): boolean {
    const { placeable, weight } = this.cluster;
    if (placeable[server] !== placeable[than]) return placeable[server]!;
    const lag = this.lag(slot, server) - this.lag(slot, than);
    if (lag !== 0) return lag < 0;
    const need = this.need(server) - this.need(than);
    if (need !== 0) return need > 0;
    // Half a slot more, as in the Webster method, keeps shares closest to exact for large and small servers alike.
    return (this.leads[server]! + 0.5) * weight[than]! < (this.leads[than]! + 0.5) * weight[server]!;
  }

  private lag(slot: number, server: number): number {
    return this.input.lag?.(slot, this.incarnation(server)) ?? Number.MAX_VALUE;
  }

  private need(server: number): number {
    const led = this.leads[server]!;
    return led < this.bounds.fewest[server]! ? 2 : led < this.bounds.most[server]! ? 1 : 0;
  }

  private take<Step extends RepairStep>(step: Step, leader: number): Step {
    this.leads[leader]!++;
    return step;
  }

  private common(slot: number): { slot: number; expectedLeaderEpoch: number } {
    return { slot, expectedLeaderEpoch: this.cluster.slots[slot]!.leaderEpoch };
  }

  private incarnation(server: number): string {
    return this.cluster.servers[server]!.incarnation;
  }
}
