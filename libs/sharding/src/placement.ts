import type { Cluster } from './cluster.js';
import { isWaiting } from './repair.js';
import { type Bounds, leaderBounds, replicaBounds } from './shares.js';
import { Spread } from './spread.js';

/**
 * Where the replicas of each slot are to be, as it is being worked out: who holds them, what each server thereby carries,
 * and who would lead. It starts from the replicas that the slots have, joining ones among them, and every replica
 * it gives to another server than those costs one join.
 */
export class Placement {
  readonly spread: Spread;
  readonly bounds: Bounds;
  readonly leads: Bounds;
  /** Holders of each slot's replicas; none for a slot that waits. */
  readonly replicas: number[][];
  readonly load: number[];
  /** Who leads each slot, as far as this can stay; -1 where the leader has to change anyway. */
  readonly leader: number[];
  readonly led: number[];
  /** How many slots two servers share, one as leader. Spread evenly, a server that dies leaves something to everyone. */
  readonly shared: Uint32Array;
  /** Slots by holder. Entries are not removed, so what stands here has to be checked. */
  private readonly heldBy: number[][];

  constructor(readonly cluster: Cluster) {
    const { slots, servers, placeable, fit } = cluster;
    const active = slots.filter((slot) => !isWaiting(slot)).length;
    this.spread = new Spread(cluster);
    this.bounds = replicaBounds(cluster, this.spread, active);
    const mayLead = placeable.map((isPlaceable, server) => isPlaceable && fit[server]!);
    this.leads = leaderBounds(cluster, mayLead, active);
    this.replicas = slots.map(() => []);
    this.leader = slots.map(({ leader }) => (leader >= 0 && mayLead[leader] ? leader : -1));
    this.load = servers.map(() => 0);
    this.led = servers.map(() => 0);
    this.heldBy = servers.map(() => []);
    this.shared = new Uint32Array(servers.length ** 2);
    for (const leader of this.leader) if (leader >= 0) this.led[leader]!++;
  }

  /** Replicas of the slot that may stay, joining ones included: the leader first, then the complete ones. */
  held(slot: number): number[] {
    const { placeable, slots } = this.cluster;
    const { leader, followers, joining } = slots[slot]!;
    const held = [leader, ...followers, ...joining];
    const isPlain = held.every((server, at) => placeable[server] && held.indexOf(server) === at);
    return isPlain ? held : [...new Set(held)].filter((server) => placeable[server]);
  }

  /** Whether the zones let the slot keep as many of the replicas it holds as it needs. */
  canStay(slot: number): boolean {
    const kept: number[] = [];
    for (const server of this.held(slot))
      if (kept.length < this.cluster.replicas && this.spread.hasRoom(kept, server)) kept.push(server);
    return kept.length === this.cluster.replicas;
  }

  /** Whether the server has a replica of the slot already, or is about to. */
  holds(slot: number, server: number): boolean {
    const { leader, followers, joining } = this.cluster.slots[slot]!;
    return leader === server || followers.includes(server) || joining.includes(server);
  }

  slotsOf(server: number): readonly number[] {
    return this.heldBy[server]!;
  }

  /** Takes the replicas for the slot, which has none yet. */
  take(slot: number, replicas: number[]): void {
    this.replicas[slot] = replicas;
    for (const server of replicas) this.count(slot, server);
  }

  add(slot: number, server: number): void {
    // A new array each time: they stay small, where one that grows would be given room to grow further.
    this.replicas[slot] = [...this.replicas[slot]!, server];
    this.count(slot, server);
  }

  private count(slot: number, server: number): void {
    this.load[server]!++;
    this.heldBy[server]!.push(slot);
    this.countShared(slot, server, 1);
  }

  canReplace(slot: number, from: number, to: number): boolean {
    const replicas = this.replicas[slot]!;
    return replicas.includes(from) && !replicas.includes(to) && this.spread.hasRoom(replicas, to, from);
  }

  /** Whether it costs no join: one replica that the slot need not keep, or has not yet, stands for another. */
  isFree(slot: number, from: number, to: number): boolean {
    return this.holds(slot, to) || !this.holds(slot, from);
  }

  /** Moves a replica, and with it the leadership where the one server leads, or where the other should lead more. */
  replace(slot: number, from: number, to: number): void {
    const replicas = this.replicas[slot]!;
    this.countShared(slot, from, -1);
    replicas[replicas.indexOf(from)] = to;
    this.load[from]!--;
    this.load[to]!++;
    this.heldBy[to]!.push(slot);
    this.countShared(slot, to, 1);
    const leader = this.leader[slot]!;
    if (leader < 0) return;
    if (leader === from && !this.cluster.fit[to]) this.unlead(slot);
    else if (leader === from || this.shouldTakeLead(leader, to)) this.lead(slot, to);
  }

  /** Whether one server leads too many slots and the other has room, or the other too few and the one enough. */
  shouldTakeLead(from: number, to: number): boolean {
    const { fewest, most } = this.leads;
    const [fromLed, toLed] = [this.led[from]!, this.led[to]!];
    return (fromLed > fewest[from]! && toLed < fewest[to]!) || (fromLed > most[from]! && toLed < most[to]!);
  }

  private lead(slot: number, server: number): void {
    const replicas = this.replicas[slot]!;
    for (const other of replicas) this.countShared(slot, other, -1);
    this.led[this.leader[slot]!]!--;
    this.led[server]!++;
    this.leader[slot] = server;
    for (const other of replicas) this.countShared(slot, other, 1);
  }

  /** The slot has to be led by another than its leader, which is yet to be chosen. */
  unlead(slot: number): void {
    for (const other of this.replicas[slot]!) this.countShared(slot, other, -1);
    this.led[this.leader[slot]!]!--;
    this.leader[slot] = -1;
  }

  private countShared(slot: number, server: number, by: number): void {
    const leader = this.leader[slot]!;
    if (leader >= 0 && leader !== server) this.shared[leader * this.cluster.servers.length + server]! += by;
  }
}
