import type { NodeId, RaftMessage } from '#consensus';
import type { Random } from '#model';
import { type VirtualClock, freezeMessage } from '#sim';
import type { Exercised } from './exercised.js';

export interface Weather {
  lossChance: number;
  duplicateChance: number;
  /** A message that takes up to `lateMs`, so that others overtake it. */
  lateChance: number;
  lateMs: number;
}

const FAIR: Weather = { lossChance: 0, duplicateChance: 0, lateChance: 0, lateMs: 0 };

export interface Endpoint {
  readonly id: NodeId;
  readonly reachable: boolean;
  receive(from: NodeId, message: RaftMessage): void;
  /** The transport found out that a message was lost. */
  missed(peer: NodeId): void;
}

/** Datagrams: each may be lost, late, twice or overtaken. Ways can be cut in one direction or both. */
export class RaftNetwork {
  weather: Weather = FAIR;
  private readonly endpoints = new Map<NodeId, Endpoint>();
  private readonly cuts = new Set<string>();
  /** How many more messages of a node leave it. */
  private readonly lastWords = new Map<NodeId, number>();
  /** How much later than others messages to a node arrive. */
  private readonly lagsMs = new Map<NodeId, number>();
  /** The latest arrival on each way, to notice an overtaking. */
  private readonly latest = new Map<string, number>();

  constructor(
    private readonly clock: VirtualClock,
    private readonly random: Random,
    private readonly exercised: Exercised,
    /** Costs time, so not in every run. */
    private readonly freezes: boolean,
  ) {}

  join(endpoint: Endpoint): void {
    this.endpoints.set(endpoint.id, endpoint);
  }

  /** Cuts the way from one to the other, and unless `oneWay` the way back. */
  cut(from: NodeId, to: NodeId, oneWay = false): void {
    this.cuts.add(way(from, to));
    if (!oneWay) this.cuts.add(way(to, from));
  }

  /** After so many more messages nothing leaves the node, while it goes on hearing the others. */
  muteAfter(from: NodeId, messages: number): void {
    this.lastWords.set(from, messages);
  }

  /** Whatever is sent to the node from now on arrives late. */
  lag(to: NodeId, lagMs: number): void {
    this.lagsMs.set(to, lagMs);
  }

  /** Ends what is wrong with the ways of one node. */
  mendNode(id: NodeId): void {
    for (const cut of this.cuts) if (cut.split('>').includes(id)) this.cuts.delete(cut);
    this.lastWords.delete(id);
    this.lagsMs.delete(id);
  }

  /** Ends all cuts, and bad weather; what is wrong with a single node has an end of its own. */
  breathe(): void {
    this.cuts.clear();
    this.weather = FAIR;
  }

  mendCuts(): void {
    this.cuts.clear();
  }

  /** Ends everything. */
  calm(): void {
    this.breathe();
    this.lastWords.clear();
    this.lagsMs.clear();
  }

  send(from: NodeId, to: NodeId, message: RaftMessage): void {
    // Sender and receiver share it: a core that goes on changing what it has sent, or changes what it got, fails.
    if (this.freezes) freezeMessage(message);
    const { lossChance, duplicateChance } = this.weather;
    const words = this.lastWords.get(from) ?? Infinity;
    if (words <= 0) return this.lose(from, to);
    if (words < Infinity) this.lastWords.set(from, words - 1);
    if (this.random() < lossChance) return this.lose(from, to);
    this.carry(from, to, message);
    if (this.random() >= duplicateChance) return;
    this.exercised.count('messages duplicated');
    this.carry(from, to, message);
  }

  /** A latency as of any message, for those that travel beside the group: clients and their answers. */
  latencyMs(): number {
    const { lateChance, lateMs } = this.weather;
    return this.random() < lateChance ? this.random() * lateMs : 0.2 + this.random() * 2;
  }

  private carry(from: NodeId, to: NodeId, message: RaftMessage): void {
    const arrivalMs = this.clock.nowMs() + this.latencyMs() + (this.lagsMs.get(to) ?? 0);
    const between = way(from, to);
    if (arrivalMs < (this.latest.get(between) ?? 0)) this.exercised.count('messages reordered');
    else this.latest.set(between, arrivalMs);
    // Somewhere on the way it meets the cut, if there is one: what has passed that place arrives, however late.
    const isPast = this.random() < 0.5 && !this.cuts.has(between);
    this.clock.at(arrivalMs, () => {
      const target = this.endpoints.get(to);
      if (!target?.reachable || (!isPast && this.cuts.has(between))) this.lose(from, to);
      else target.receive(from, message);
    });
  }

  private lose(from: NodeId, to: NodeId): void {
    this.exercised.count('messages lost');
    if (this.random() < 0.3) this.endpoints.get(from)?.missed(to);
  }
}

function way(from: NodeId, to: NodeId): string {
  return `${from}>${to}`;
}
