import { PERSISTENT_LEVEL, type ReplicaReport, type RoutingTable, type SlotSize, isProtected } from '#model';
import { type MoveStep, plan } from '#sharding';
import type { MetaContext } from './context.js';
import type { SlotStep } from './contract.js';
import type { Planning } from './planning.js';
import type { Proposals } from './proposals.js';
import { drainingServers } from './state/drain.js';
import { resumes } from './resumes.js';

/** A leader that does not answer is asked again after this to hand a slot over; it may have been too busy. */
const ASK_AGAIN_MS = 1_000;
/**
 * Every commit of the table is told to all members, at the very time at which they have most to do. So what nobody waits
 * for, replicas that join, are complete, or leave, is gathered for so long after the last of its kind. What gives a slot
 * a leader, and what a leader has stopped its writes for, is proposed at once.
 */
const PACE_MS = 200;
/**
 * Where followers were promoted, replicas are restored so much later: every slot copied, and every table in which one is
 * complete, would take from the time in which the new leaders and the session servers come to an agreement. A server that is
 * started again at once gets back what it had, too.
 */
const RESTORE_AFTER_MS = 1_000;

/** What a plan depends on. */
interface Basis {
  epoch: number;
  members: RoutingTable['members'];
  barred: ReadonlySet<string>;
  mayBalance: boolean;
}

interface WantedMove {
  step: MoveStep;
  askedAtMs: number;
}

/**
 * Who holds which slot, and who leads it: the planner's next steps, proposed one command at a time. Leadership moves are
 * not proposed at once: the leader is asked to hand the slot over, and its word that the other has everything leads to
 * the proposal.
 */
export class Slots {
  /** The latest for which the planner wanted no steps but moves. */
  private done: Basis | undefined;
  /** The latest that was planned for, unless that gave leaders to slots: who fails to get one is given another at once. */
  private planned: Basis | undefined;
  private nextPlanMs = 0;
  private nextJoinMs = 0;
  private nextReportMs = 0;
  /** Of a plan, and of reports, that wait for their time. */
  private planAtMs = Infinity;
  private reportAtMs = Infinity;
  /** By slot; of the latest plan. */
  private moves = new Map<number, WantedMove>();
  /** By slot, as its leader said last. Kept when the leader changes: what there is does not change with it. */
  private readonly sizes = new Map<number, SlotSize>();
  /** What leaders have reported and is not proposed yet: two kinds for each slot at most. */
  private readonly waiting = new Map<string, { step: SlotStep; tableEpoch: number }>();
  /** The table with which `changedAt` was made, which is by slot: an epoch at or after the latest change of the slot. */
  private seen: RoutingTable | undefined;
  private changedAt: number[] = [];

  constructor(
    private readonly context: MetaContext,
    private readonly proposals: Proposals,
    private readonly replicas: number,
    /** Asks the leader of a slot. */
    private readonly ask: (leader: string, slot: number, leaderEpoch: number, to: string) => void,
  ) {}

  /**
   * One proposal at a time: the next plan starts from what this one led to, and from what moves led to; planned without
   * them, it would make others in their place, and come to take some of them back. A new leader moves nothing for balance
   * before it is settled, since it has yet to hear whom the session servers cannot reach; nor does any while operators
   * have it paused. While so many servers are missed that they are expected back, only slots without a leader are given
   * one.
   * @param barred members that are to lead nothing
   */
  place(nowMs: number, barred: ReadonlySet<string>): void {
    const { context, done } = this;
    const { ready, table } = context;
    this.planAtMs = Infinity;
    if (!ready || this.proposals.has('place', ({ steps }) => steps.some(isOfPlan))) return;
    const isSettled = context.isNew || context.isSettled(nowMs);
    const mayBalance = isSettled && !context.state.rebalance.paused;
    const basis = { epoch: table.epoch, members: table.members, barred, mayBalance };
    const isDone = done?.epoch === basis.epoch && done.barred === barred && done.mayBalance === mayBalance;
    const waits = nowMs < this.nextPlanMs && this.mayWait(basis);
    if (!isDone && waits) this.planAtMs = this.nextPlanMs;
    else if (!isDone) this.plan(nowMs, basis);
    this.askForMoves(nowMs);
  }

  /** When something that waits for its time is due: a plan, or what leaders have reported. */
  get dueAtMs(): number {
    return Math.min(this.planAtMs, this.reportAtMs);
  }

  /** Only with the members, or with who may lead, comes and goes who leads a slot. */
  private mayWait({ members, barred }: Basis): boolean {
    return this.planned?.members === members && this.planned.barred === barred;
  }

  /** What plans depend on beside the state; on a node that does not lead, as if a settled leader had heard of nobody. */
  planning(nowMs: number, barred: ReadonlySet<string>): Planning {
    const { context, replicas } = this;
    const isSettled = !context.leading || context.isNew || context.isSettled(nowMs);
    return { replicas, unfit: barred, isSettled, sizeOf: (slot) => this.sizes.get(slot) };
  }

  /** What the leader of slots says is in them. */
  sized(reporter: string, sizes: SlotSize[]): void {
    const { ready, table } = this.context;
    for (const size of sizes) {
      const { leader, leaderEpoch } = table.slots[size.slot] ?? {};
      if (ready && leader === reporter && leaderEpoch === size.leaderEpoch) this.sizes.set(size.slot, size);
    }
  }

  /** What the leader of slots says of their replicas. Only who leads at that leaderEpoch is believed. */
  reported(nowMs: number, reporter: string, reports: ReplicaReport[]): void {
    const { ready, table } = this.context;
    if (!ready) return;
    for (const report of reports) {
      const { slot, leaderEpoch, tableEpoch = table.epoch } = report;
      const assignment = table.slots[slot];
      if (assignment?.leader !== reporter || assignment.leaderEpoch !== leaderEpoch) continue;
      const step = this.stepFor(report, reporter);
      if (step) this.waiting.set(`${step.type} ${slot} ${report.server}`, { step, tableEpoch });
    }
    this.proposeReported(nowMs);
  }

  private stepFor({ type, slot, leaderEpoch, server }: ReplicaReport, leader: string): SlotStep | undefined {
    const { joining, followers, durable } = this.context.table.slots[slot]!;
    const step = { slot, expectedLeaderEpoch: leaderEpoch, leader };
    switch (type) {
      case 'caughtUp':
        return joining.includes(server) ? { ...step, type: 'complete', server } : undefined;
      case 'durable':
        return durable || this.context.state.featureLevel < PERSISTENT_LEVEL ? undefined : { ...step, type: 'durable' };
      case 'behind':
        return { ...step, type: 'behind', disk: server };
      case 'sealed': {
        const wanted = this.moves.get(slot)?.step;
        return wanted?.from === leader && wanted.to === server && followers.includes(server) ? wanted : undefined;
      }
    }
  }

  /**
   * What is reported while a proposal is under way goes together into the next, less what has been planned otherwise
   * since. A leader that says that a replica is
   * complete waits for that replica's acknowledgements as long as its table names it; so what it said by a table before
   * the latest change of the slot is not taken any more: the replica may have been dropped, and joined again, since.
   */
  proposeReported(nowMs: number): void {
    this.reportAtMs = Infinity;
    if (this.waiting.size === 0 || this.proposals.has('place', ({ steps }) => !steps.some(isPlanned))) return;
    const isAwaited = [...this.waiting.values()].some(({ step }) => step.type !== 'complete');
    if (!isAwaited && nowMs < this.nextReportMs) {
      this.reportAtMs = this.nextReportMs;
      return;
    }
    this.nextReportMs = nowMs + PACE_MS;
    this.noteChanges();
    const steps = [...this.waiting.values()]
      .filter(({ step, tableEpoch }) => tableEpoch >= this.changedAt[step.slot]!)
      .map(({ step }) => step)
      .filter((step) => step.type !== 'move' || this.isWanted(step));
    this.waiting.clear();
    if (steps.length > 0) this.proposals.propose({ type: 'place', steps });
  }

  private isWanted({ slot, from, to, expectedLeaderEpoch }: MoveStep): boolean {
    const wanted = this.moves.get(slot)?.step;
    return wanted?.from === from && wanted.to === to && wanted.expectedLeaderEpoch === expectedLeaderEpoch;
  }

  private noteChanges(): void {
    const { table } = this.context;
    const before = this.seen?.slots;
    if (before === table.slots) return;
    // Of a leadership's first table it is not known when what changed; only what was said by it, or later, counts.
    this.changedAt = table.slots.map((slot, index) =>
      before?.[index] === slot ? this.changedAt[index]! : table.epoch,
    );
    this.seen = table;
  }

  leadershipChanged(): void {
    this.done = undefined;
    this.planned = undefined;
    this.nextJoinMs = 0;
    this.planAtMs = Infinity;
    this.reportAtMs = Infinity;
    this.moves.clear();
    this.waiting.clear();
    this.sizes.clear();
    this.seen = undefined;
  }

  private plan(nowMs: number, basis: Basis): void {
    const { table } = this.context;
    const { barred: unfit, mayBalance } = basis;
    const [draining, frozen] = [drainingServers(table), isProtected(table)];
    const planned = plan({ table, replicas: this.replicas, draining, unfit, mayBalance, frozen });
    let steps = [...resumes(table), ...planned.filter((step) => step.type !== 'move')];
    if (steps.some(({ type }) => type === 'promote')) this.nextJoinMs = nowMs + RESTORE_AFTER_MS;
    const joinLater = nowMs < this.nextJoinMs && steps.some(isJoin);
    if (joinLater) steps = steps.filter((step) => !isJoin(step));
    this.moves = new Map(
      planned.flatMap((step) => {
        if (step.type !== 'move') return [];
        const wanted = this.isWanted(step) ? this.moves.get(step.slot)! : { step, askedAtMs: -Infinity };
        return [[step.slot, wanted] as const];
      }),
    );
    this.planned = steps.some(givesLeader) ? undefined : basis;
    if (steps.length === 0) {
      if (joinLater) this.nextPlanMs = this.planAtMs = this.nextJoinMs;
      else this.done = basis;
      return;
    }
    this.nextPlanMs = nowMs + PACE_MS;
    this.context.log('info', 'placing-slots', { ...countByType(steps), epoch: table.epoch });
    this.proposals.propose({ type: 'place', steps });
  }

  private askForMoves(nowMs: number): void {
    for (const move of this.moves.values()) {
      if (nowMs - move.askedAtMs < ASK_AGAIN_MS) continue;
      move.askedAtMs = nowMs;
      const { slot, expectedLeaderEpoch, from, to } = move.step;
      this.ask(from, slot, expectedLeaderEpoch, to);
    }
  }
}

/** What the planner wants, unlike what leaders report. */
function isPlanned({ type }: SlotStep): boolean {
  return !['complete', 'move', 'durable', 'behind'].includes(type);
}

/** What the planner has decided, whether proposed by itself or once a leader was ready. */
function isOfPlan(step: SlotStep): boolean {
  return isPlanned(step) || step.type === 'move';
}

function isJoin({ type }: SlotStep): boolean {
  return type === 'join';
}

/** Whether the step gives a leader to a slot that had none who may lead it. */
function givesLeader({ type }: SlotStep): boolean {
  return type === 'promote' || type === 'begin' || type === 'resume';
}

function countByType(steps: SlotStep[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { type } of steps) counts[type] = (counts[type] ?? 0) + 1;
  return counts;
}
