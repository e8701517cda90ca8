import { RegistryError } from '#model';
import type { Codec, StateMachine } from '../contract.js';
import { Feed } from '../feed.js';
import { type Applied, type Proposal, Replicated, type ReplicatedImage } from '../replicated.js';
import type { Configuration, Entry, SnapshotMeta } from './contract.js';
import { decodeSnapshot, encodeSnapshot } from './formats.js';

/** Whoever waits for something; told once. */
export interface Waiter<T> {
  resolve(value: T): void;
  reject(error: RegistryError): void;
}

/** The whole replicated state, and the place in the log at which it is that. */
export interface Capture<State, Result> {
  position: SnapshotMeta;
  image: ReplicatedImage<State, Result>;
}

interface ApplierOptions<Command, State, Result> {
  machine: StateMachine<Command, State, Result>;
  codec: Codec;
  limits: { clients: number; watchBacklog: number; pendingReads: number };
}

/**
 * The replicated state on this node, where in the log it stands, and who waits for it to get further. It takes committed
 * entries in order, or a snapshot that replaces it as a whole.
 */
export class Applier<Command, State, Result> {
  readonly feed: Feed<Command, State>;
  private replicated: Replicated<Command, State, Result>;
  /** By the index of the entry, which is committed. */
  private readonly proposals = new Map<number, Waiter<Applied<Result>>>();
  /** What has been applied last, and the configuration there. */
  private lastIndex: number;
  private lastTerm: number;
  private configuration: Configuration;
  private reads: { index: number; waiter: Waiter<State> }[] = [];

  /** @param position what has been applied, and the configuration there */
  constructor(
    private readonly options: ApplierOptions<Command, State, Result>,
    position: SnapshotMeta,
    snapshot: Uint8Array | undefined,
  ) {
    this.lastIndex = position.index;
    this.lastTerm = position.term;
    this.configuration = position.configuration;
    this.replicated = this.load(snapshot);
    this.feed = new Feed(position.index, this.replicated.state, options.limits.watchBacklog);
  }

  get index(): number {
    return this.lastIndex;
  }

  /** Of the last entry applied. */
  get term(): number {
    return this.lastTerm;
  }

  get state(): State {
    return this.replicated.state;
  }

  /** @throws RegistryError INTERNAL when an entry cannot be applied, such as one that a newer version wrote */
  apply(entries: Entry[]): void {
    for (const entry of entries) {
      if (entry.kind === 'command') this.command(entry.index, entry.payload);
      else if (entry.kind === 'configuration') this.configuration = entry.configuration;
      this.lastIndex = entry.index;
      this.lastTerm = entry.term;
    }
    this.serveReads();
  }

  /** What the command at `index`, which is committed, comes to. */
  outcomeAt(index: number, waiter: Waiter<Applied<Result>>): void {
    if (index <= this.index) waiter.reject(outcomeUnknown());
    else this.proposals.set(index, waiter);
  }

  /** The state once everything to `index` is applied. */
  stateAt(index: number, waiter: Waiter<State>): void {
    if (index <= this.index) waiter.resolve(this.state);
    else if (this.reads.length < this.options.limits.pendingReads) this.reads.push({ index, waiter });
    else
      waiter.reject(
        new RegistryError('OVERLOADED', `${this.reads.length} reads wait for the state; no more are taken.`),
      );
  }

  /** The state and all that belongs to it, as it is now; what is applied later does not change it. */
  capture(): Capture<State, Result> {
    return { position: this.position, image: this.replicated.image() };
  }

  /** The same, as bytes for the store and for peers. */
  snapshot(): { meta: SnapshotMeta; bytes: Uint8Array } {
    const image = this.options.codec.encode(this.replicated.image());
    return { meta: this.position, bytes: encodeSnapshot(this.configuration, image) };
  }

  /** @throws RegistryError INTERNAL when the snapshot cannot be read */
  install(meta: SnapshotMeta, bytes: Uint8Array): void {
    this.replicated = this.load(bytes);
    this.lastIndex = meta.index;
    this.lastTerm = meta.term;
    this.configuration = meta.configuration;
    this.feed.jump(meta.index, this.state);
    for (const [index, { reject }] of this.proposals) {
      if (index > meta.index) continue;
      this.proposals.delete(index);
      reject(outcomeUnknown());
    }
    this.serveReads();
  }

  stop(error: RegistryError, endOfFeed?: RegistryError): void {
    for (const { reject } of this.proposals.values()) reject(error);
    this.proposals.clear();
    for (const { waiter } of this.reads.splice(0)) waiter.reject(error);
    this.feed.stop(endOfFeed);
  }

  private command(index: number, payload: Uint8Array): void {
    let outcome: Applied<Result>;
    try {
      const proposal = this.options.codec.decode(payload) as Proposal<Command>;
      outcome = this.replicated.apply(index, proposal);
      if (outcome.status === 'applied') this.feed.push(index, proposal.command, this.state);
    } catch (error) {
      const message = `Entry ${index} is committed and cannot be applied here: ${String(error)}`;
      throw new RegistryError('INTERNAL', message, { cause: error });
    }
    this.proposals.get(index)?.resolve(outcome);
    this.proposals.delete(index);
  }

  private get position(): SnapshotMeta {
    return { index: this.lastIndex, term: this.lastTerm, configuration: this.configuration };
  }

  private serveReads(): void {
    if (this.reads.length === 0) return;
    const due = this.reads.filter(({ index }) => index <= this.index);
    this.reads = this.reads.filter(({ index }) => index > this.index);
    for (const { waiter } of due) waiter.resolve(this.state);
  }

  private load(snapshot: Uint8Array | undefined): Replicated<Command, State, Result> {
    const { machine, codec, limits } = this.options;
    try {
      const image = snapshot && (codec.decode(decodeSnapshot(snapshot).image) as ReplicatedImage<State, Result>);
      return new Replicated(machine, limits.clients, image);
    } catch (error) {
      const message = `A snapshot cannot be read here; start the version of Rollcall that wrote it. ${String(error)}`;
      throw new RegistryError('INTERNAL', message, { cause: error });
    }
  }
}

/** The position of a node that has applied nothing yet. */
export function beginning(configuration: Configuration): SnapshotMeta {
  return { index: 0, term: 0, configuration };
}

/** The command is committed, but its result came here inside a snapshot. The same proposal made again tells it. */
function outcomeUnknown(): RegistryError {
  return new RegistryError('NOT_LEADER', 'This node lost the lead before it could tell what the command came to.');
}
