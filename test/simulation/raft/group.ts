import type { Configuration, NodeId, RaftEffect, RaftEvent, RaftLimits, RaftStatus } from '#consensus';
import { type Random, randomUint32, seededRandom } from '#model';
import { Transcript, VirtualClock, Violation } from '#sim';
import { SimClient } from './client.js';
import { Exercised } from './exercised.js';
import type { Flaws } from './flaws.js';
import type { Operation } from './linearizability.js';
import { RaftNetwork } from './network.js';
import { SimNode } from './node.js';
import type { GroupObserver } from './observer.js';

export interface GroupOptions {
  seed: number;
  voters: number;
  clients: number;
  chunkBytes: number;
  limits: Partial<RaftLimits>;
  flaws?: Flaws;
  observers?: ((group: Group) => GroupObserver)[];
  /** Is told every line of the transcript. */
  trace?: (line: string) => void;
}

/** A Raft group, its clients and everything between them, driven by one seed. */
export class Group {
  readonly clock = new VirtualClock();
  readonly exercised = new Exercised();
  readonly transcript = new Transcript(() => this.nowMs, 80);
  readonly network: RaftNetwork;
  /** Everybody who ever was a member. */
  readonly nodes: SimNode[] = [];
  readonly clients: SimClient[] = [];
  /** Everything that clients called, in the order of the calls. */
  readonly history: Operation[] = [];
  readonly flaws: Flaws;
  /** Called when a node has come to lead. */
  elected: (leader: SimNode) => void = () => {};
  private readonly random: Random;
  private readonly observers: GroupObserver[];
  private readonly ids = new Map<NodeId, SimNode>();
  private lastLeader: NodeId | undefined;
  private moments = 0;
  private fingerprint = 0;

  constructor(readonly options: GroupOptions) {
    this.random = seededRandom(options.seed);
    this.flaws = options.flaws ?? {};
    this.transcript.onLine = options.trace;
    this.network = new RaftNetwork(this.clock, this.fork(), this.exercised, options.seed % 4 === 0);
    this.observers = (options.observers ?? []).map((observer) => observer(this));
    const voters = Array.from({ length: options.voters }, (_, i) => `n${i + 1}`);
    for (let i = 0; i < options.voters; i++) this.addNode({ voters, learners: [] });
    for (let i = 0; i < options.clients; i++) this.clients.push(new SimClient(this, `c${i + 1}`));
  }

  get nowMs(): number {
    return this.clock.nowMs();
  }

  /** The leader of the highest term; others may still take themselves for it. */
  get leader(): SimNode | undefined {
    return this.nodes.filter((node) => node.leading).toSorted((a, b) => b.status.term - a.status.term)[0];
  }

  get living(): SimNode[] {
    return this.nodes.filter((node) => !node.dead);
  }

  /** Of everything that happened: equal for equal runs. */
  get hash(): string {
    return `${this.transcript.hash()}-${this.fingerprint >>> 0}`;
  }

  node(id: NodeId): SimNode | undefined {
    return this.ids.get(id);
  }

  /** A generator of its own, so that what one draws does not depend on how much another does. */
  fork(): Random {
    return seededRandom(randomUint32(this.random));
  }

  /** Rises with everything that a client sees, so that of two such moments one is always the earlier. */
  moment(): number {
    return ++this.moments;
  }

  /** A node with an empty disk, under a name that was never used. */
  addNode(bootstrap: Configuration = { voters: [], learners: [] }): SimNode {
    const node = new SimNode(this, this.nodes.length + 1, bootstrap);
    this.nodes.push(node);
    this.ids.set(node.id, node);
    this.network.join(node);
    node.start();
    return node;
  }

  run(forMs: number): void {
    this.clock.runUntil(this.nowMs + forMs);
  }

  /** @throws Violation when the condition has not come about in time */
  runUntil(what: string, missing: () => string | undefined, withinMs: number): void {
    const endMs = this.nowMs + withinMs;
    let lacks = missing();
    while (lacks !== undefined) {
      if (this.nowMs >= endMs) throw new Violation(what, `not within ${withinMs} ms: ${lacks}`);
      this.run(20);
      lacks = missing();
    }
  }

  observe(tell: (observer: GroupObserver) => void): void {
    for (const observer of this.observers) tell(observer);
  }

  note(node: string, text: string): void {
    this.transcript.note(node, text);
  }

  stepped(node: SimNode, event: RaftEvent, effects: readonly RaftEffect[], before: RaftStatus): void {
    const { status } = node;
    const moment = mix(this.fingerprint, (this.nowMs * 1_000) | 0);
    this.fingerprint = mix(
      mix(mix(moment, node.order * 64 + effects.length), status.term),
      status.commit + status.last,
    );
    this.observe((each) => each.stepped?.(node, event, effects, before));
    for (let index = before.commit + 1; index <= status.commit; index++) {
      const entry = node.log.at(index);
      if (!entry) continue;
      this.observe((each) => each.committed?.(node, entry, before));
      if (entry.kind === 'configuration' && node.leading)
        this.exercised.count(entry.configuration.outgoing ? 'joint configurations' : 'membership changes');
    }
    if (status.role !== before.role || status.term !== before.term)
      this.note(node.id, `${before.role} ${before.term} -> ${status.role} ${status.term}, ${brief(event)}`);
    if (before.role === 'leader' && status.role !== 'leader') this.exercised.count('leaders deposed');
    if (status.role !== 'leader' || before.role === 'leader') return;
    this.exercised.count('elections');
    this.elected(node);
    if (this.lastLeader !== undefined && this.lastLeader !== node.id) this.exercised.count('leader changes');
    this.lastLeader = node.id;
  }

  /** Runs a story; what it throws says the seed and what had happened. */
  story(run: () => void): void {
    try {
      run();
    } catch (error) {
      const { message } = error as Error;
      const story = `${message}\nseed ${this.options.seed}, at ${this.nowMs.toFixed(3)} ms\n${this.transcript.tail(80)}`;
      throw new Error(story, { cause: error });
    }
  }
}

function mix(digest: number, value: number): number {
  return Math.imul(digest ^ value, 0x01000193) ^ (digest >>> 15);
}

function brief(event: RaftEvent): string {
  return event.type === 'received' ? `${event.message.kind} of ${event.message.term} from ${event.from}` : event.type;
}
