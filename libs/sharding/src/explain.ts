import { Cluster, type PlanInput } from './cluster.js';
import { type Load, type ServerLoad, loadsOf } from './loads.js';
import { planNext } from './planner.js';
import type { BeginStep, DropStep, JoinStep, MoveStep, PlanStep, PromoteStep } from './steps.js';

/**
 * Says of steps that were planned for the input, in a sentence or two, why this slot and why there.
 * @param nameOf how people call a server; its incarnation, unless said otherwise
 */
export function explainer(
  input: PlanInput,
  nameOf: (incarnation: string) => string = (incarnation) => incarnation,
): (step: PlanStep) => string {
  const explain = new Explainer(input, nameOf);
  return (step) => `Slot ${step.slot} ${explain.step(step)}`;
}

class Explainer {
  private readonly loads: ReadonlyMap<string, ServerLoad>;
  /** By slot, the incarnations that are to hold it; empty where nothing but leaders is planned. */
  private readonly wanted: (slot: number) => readonly string[];
  private readonly replicas: number;

  constructor(
    private readonly input: PlanInput,
    private readonly nameOf: (incarnation: string) => string,
  ) {
    const cluster = new Cluster(input);
    this.replicas = cluster.replicas;
    this.loads = new Map(loadsOf(cluster).map((load) => [load.incarnation, load]));
    const { target } = planNext(cluster, input);
    this.wanted = (slot) => (target?.replicas[slot] ?? []).map((server) => cluster.servers[server]!.incarnation);
  }

  step(step: PlanStep): string {
    switch (step.type) {
      case 'promote':
        return this.promote(step);
      case 'begin':
        return this.begin(step);
      case 'join':
        return this.join(step);
      case 'move':
        return this.move(step);
      case 'drop':
        return this.drop(step);
    }
  }

  private promote({ slot, leader, reason }: PromoteStep): string {
    const { nameOf } = this;
    const { leader: old, followers } = this.slot(slot);
    const lost =
      reason === 'leader-gone'
        ? `has lost its leader ${nameOf(old!)}`
        : `is led by ${nameOf(old!)}, which is unfit to lead`;
    const complete = followers.filter((other) => this.isLive(other));
    if (complete.length === 1) return `${lost}. ${nameOf(leader)}, the only complete follower that lives, takes over.`;
    const others = complete.filter((other) => other !== leader);
    const isLagKnown = complete.some((other) => this.input.lag?.(slot, other) !== undefined);
    const says = (other: string): string => (isLagKnown ? this.lags(slot, other) : this.leads(other));
    const rest = others.map((other) => `${nameOf(other)} ${says(other)}`).join('; ');
    return `${lost}. Of ${complete.length} complete followers ${nameOf(leader)} takes over: it ${says(leader)}; ${rest}.`;
  }

  private begin({ slot, leader, reason }: BeginStep): string {
    const { joining } = this.slot(slot);
    const old = this.nameOf(this.slot(slot).leader ?? '');
    const name = this.nameOf(leader);
    const why = {
      unassigned: 'has no leader yet',
      'leader-gone': `has lost its leader ${old}, and no complete follower lives`,
      'leader-unfit': `is led by ${old}, which is unfit to lead, and no complete follower is fit`,
    }[reason];
    const there = joining.includes(leader) ? 'was joining it' : this.leads(leader);
    return `${why}. ${name} begins it from empty; ${name} ${there}.`;
  }

  private join({ slot, server, reason }: JoinStep): string {
    const held = this.held(slot);
    const leaving = held.filter((other) => !this.wanted(slot).includes(other));
    const why = {
      replicas: `has ${held.length} of ${this.replicas} replicas`,
      draining: `has a replica on ${this.names(held.filter((other) => this.isDraining(other)))}, to be drained`,
      zones: `has its replicas in ${this.zones(held)}`,
      balance: `is to leave ${leaving.map((other) => `${this.nameOf(other)}, which ${this.holds(other)}`).join(', and ')}`,
    }[reason];
    const zone = this.loads.get(server)?.zone;
    const name = this.nameOf(server);
    return `${why}. ${name} joins it${zone ? ` in zone ${zone}` : ''}; ${name} ${this.holds(server)}.`;
  }

  private move({ slot, from, to, reason }: MoveStep): string {
    const wanted = this.wanted(slot);
    const balance = wanted.includes(from) ? `which ${this.leads(from)}` : `but is to be held by ${this.names(wanted)}`;
    const why = reason === 'draining' ? 'to be drained' : balance;
    const name = this.nameOf(to);
    return `is led by ${this.nameOf(from)}, ${why}. ${name}, a complete follower, takes over; ${name} ${this.leads(to)}.`;
  }

  private drop({ slot, server, reason }: DropStep): string {
    const name = this.nameOf(server);
    if (reason === 'gone') return `names ${name}, which is gone.`;
    const stay = this.names(this.wanted(slot));
    if (reason === 'draining') return `has enough replicas without ${name}, to be drained: on ${stay}.`;
    if (this.slot(slot).joining.includes(server)) return `need not be joined by ${name} any more: it is for ${stay}.`;
    const count = `has ${this.held(slot).length} replicas where ${this.replicas} ${this.replicas === 1 ? 'is' : 'are'} wanted`;
    return `${count}: on ${stay}. ${name} goes; ${name} ${this.holds(server)}.`;
  }

  private slot(slot: number): PlanInput['table']['slots'][number] {
    return this.input.table.slots[slot]!;
  }

  private held(slot: number): string[] {
    const { leader, followers, joining } = this.slot(slot);
    return [leader, ...followers, ...joining].filter((server) => server !== null).filter((other) => this.isLive(other));
  }

  private isLive(incarnation: string): boolean {
    return this.loads.has(incarnation);
  }

  private isDraining(incarnation: string): boolean {
    return this.input.draining?.has(incarnation) ?? false;
  }

  private lags(slot: number, incarnation: string): string {
    const lag = this.input.lag?.(slot, incarnation);
    return lag === undefined ? 'lags by an unknown number' : `lags by ${lag} operation${lag === 1 ? '' : 's'}`;
  }

  private leads(incarnation: string): string {
    return `leads ${this.range(this.loads.get(incarnation)?.leads)}`;
  }

  private holds(incarnation: string): string {
    return `holds ${this.range(this.loads.get(incarnation)?.replicas)}`;
  }

  private range(load: Load | undefined): string {
    if (!load) return 'nothing';
    const { count, fewest, most } = load;
    const balanced = fewest === most ? `${most}` : `${fewest} to ${most}`;
    return `${count} slot${count === 1 ? '' : 's'} (${balanced} in balance)`;
  }

  private names(incarnations: readonly string[]): string {
    return incarnations.map(this.nameOf).join(' and ');
  }

  private zones(incarnations: readonly string[]): string {
    const zones = new Set(incarnations.map((incarnation) => this.loads.get(incarnation)?.zone ?? ''));
    return `${zones.size === 1 ? 'zone' : 'zones'} ${[...zones].toSorted().join(' and ')}`;
  }
}
