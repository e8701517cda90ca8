import { RegistryError } from '#model';
import type { Codec, Consensus, LogEntry, LogStore, StateMachine } from './contract.js';
import { Feed, type FeedItem } from './feed.js';
import { type Applied, type Proposal, Replicated, type ReplicatedImage } from './replicated.js';

export interface SingleNodeOptions<Command, State, Result> {
  store: LogStore;
  machine: StateMachine<Command, State, Result>;
  codec: Codec;
  limits?: Partial<SingleNodeLimits>;
}

export interface SingleNodeLimits {
  /** Proposals not yet written; one more is answered OVERLOADED. */
  pendingProposals: number;
  /** Entries in one write. */
  batchEntries: number;
  /** A snapshot is taken, and the log before it dropped, after this many entries. */
  snapshotEveryEntries: number;
  /** Changes kept for watchers that are behind. */
  watchBacklog: number;
  /** Clients whose last result is remembered. Never lower it on an existing log. */
  clients: number;
}

const DEFAULTS: SingleNodeLimits = {
  pendingProposals: 10_000,
  batchEntries: 1_000,
  snapshotEveryEntries: 10_000,
  watchBacklog: 1_000,
  clients: 1_000,
};

export interface SingleNodeStatus {
  term: number;
  leading: boolean;
  /** The last entry applied. */
  index: number;
  snapshotIndex: number;
  /** Why the node has stopped for good. */
  failure?: RegistryError;
}

interface Pending<Result> {
  payload: Uint8Array;
  resolve(outcome: { index: number; result: Result }): void;
  reject(error: RegistryError): void;
}

/**
 * A group of one: what its store holds durably is committed. The order is always write -> apply -> acknowledge, with
 * one write in flight; what arrives meanwhile goes into the next one, so that many proposals share a sync.
 *
 * Each start is a new term and begins with an entry of its own, as a new leader's does in a larger group.
 */
export class SingleNode<Command, State, Result> implements Consensus<Command, State, Result> {
  private readonly limits: SingleNodeLimits;
  private readonly queue: Pending<Result>[] = [];
  private readonly listeners = new Set<(leadership: { term: number; leading: boolean }) => void>();
  private leading = true;
  private failure: RegistryError | undefined;
  private writing: Promise<void> | undefined;
  private closing: Promise<void> | undefined;

  private constructor(
    private readonly options: SingleNodeOptions<Command, State, Result>,
    private readonly replicated: Replicated<Command, State, Result>,
    private readonly feed: Feed<Command, State>,
    private readonly term: number,
    private index: number,
    private snapshotIndex: number,
  ) {
    this.limits = { ...DEFAULTS, ...options.limits };
  }

  /** Opens the store, replays it and leads. */
  static async open<Command, State, Result>(
    options: SingleNodeOptions<Command, State, Result>,
  ): Promise<SingleNode<Command, State, Result>> {
    const { store, codec } = options;
    const limits = { ...DEFAULTS, ...options.limits };
    const found = await store.open();
    try {
      const replicated = restore(options, limits.clients, found.snapshot?.payload, found.entries);
      const term = found.term + 1;
      const index = (found.entries.at(-1)?.index ?? found.snapshot?.index ?? 0) + 1;
      await store.write({
        hardState: { term, vote: null },
        entries: [{ index, term, payload: codec.encode(null) }],
      });
      const feed = new Feed<Command, State>(index, replicated.state, limits.watchBacklog);
      return new SingleNode(options, replicated, feed, term, index, found.snapshot?.index ?? 0);
    } catch (error) {
      await store.close();
      throw error;
    }
  }

  propose(id: { client: string; sequence: number }, command: Command): Promise<{ index: number; result: Result }> {
    const refusal = this.refusal();
    if (refusal) return Promise.reject(refusal);
    if (this.queue.length >= this.limits.pendingProposals) {
      const message = `${this.queue.length} proposals wait to be written; no more are taken.`;
      return Promise.reject(new RegistryError('OVERLOADED', message));
    }
    return new Promise((resolve, reject) => {
      const proposal: Proposal<Command> = { client: id.client, sequence: id.sequence, command };
      // Encoded now, so that what is logged is what was proposed, whatever the caller does to the object later.
      this.queue.push({ payload: this.options.codec.encode(proposal), resolve, reject });
      this.writing ??= this.write();
    });
  }

  read<T>(query: (state: State) => T, _mode: 'linearizable' | { maxAgeMs: number }): Promise<T> {
    // Nothing is acknowledged before it is applied here, and nobody else writes: this state is always the latest.
    const refusal = this.refusal();
    if (refusal) return Promise.reject(refusal);
    return new Promise((resolve) => resolve(query(this.replicated.state)));
  }

  /** A watcher that starts from before this node's start is given a snapshot first. */
  watch(afterIndex: number): AsyncIterable<FeedItem<Command, State>> {
    return this.feed.watch(afterIndex);
  }

  onLeadership(listener: (leadership: { term: number; leading: boolean }) => void): () => void {
    this.listeners.add(listener);
    listener({ term: this.term, leading: this.leading });
    return () => this.listeners.delete(listener);
  }

  status(): SingleNodeStatus {
    const { term, leading, index, snapshotIndex, failure } = this;
    return { term, leading, index, snapshotIndex, ...(failure && { failure }) };
  }

  /** The write in flight is finished and answered; proposals that wait behind it are refused. */
  close(): Promise<void> {
    this.closing ??= this.shutDown();
    return this.closing;
  }

  private async shutDown(): Promise<void> {
    // `closing` is set when the caller's turn ends; nothing new may slip in behind the queue emptied here.
    await null;
    this.rejectAll(closed());
    await this.writing;
    this.stopLeading();
    this.feed.stop();
    await this.options.store.close();
  }

  private refusal(): RegistryError | undefined {
    return this.failure ?? (this.closing && closed());
  }

  private async write(): Promise<void> {
    // What is proposed in the same turn of the event loop shares the first write.
    await null;
    try {
      while (this.queue.length > 0) {
        const batch = this.queue.splice(0, this.limits.batchEntries);
        try {
          await this.writeBatch(batch);
          if (this.index - this.snapshotIndex >= this.limits.snapshotEveryEntries) await this.takeSnapshot();
        } catch (error) {
          this.fail(error, batch);
        }
      }
    } finally {
      this.writing = undefined;
    }
  }

  private async writeBatch(batch: Pending<Result>[]): Promise<void> {
    const entries = batch.map(({ payload }, i): LogEntry => ({ index: this.index + 1 + i, term: this.term, payload }));
    await this.options.store.write({ entries });
    const outcomes: Applied<Result>[] = [];
    for (const { index, payload } of entries) {
      // Decoded from the bytes logged, so that a restart applies exactly what was applied here.
      const proposal = this.options.codec.decode(payload) as Proposal<Command>;
      const outcome = this.replicated.apply(index, proposal);
      this.index = index;
      if (outcome.status === 'applied') this.feed.push(index, proposal.command, this.replicated.state);
      outcomes.push(outcome);
    }
    for (const [i, outcome] of outcomes.entries()) {
      if (outcome.status === 'superseded') batch[i]!.reject(superseded(outcome.lastSequence));
      else batch[i]!.resolve({ index: outcome.index, result: outcome.result });
    }
  }

  private async takeSnapshot(): Promise<void> {
    const { index, term } = this;
    await this.options.store.saveSnapshot({
      index,
      term,
      payload: this.options.codec.encode(this.replicated.image()),
    });
    this.snapshotIndex = index;
  }

  /** For good: what the disk holds is unknown from here on, so this node acknowledges nothing any more. */
  private fail(error: unknown, batch: Pending<Result>[]): void {
    this.failure =
      error instanceof RegistryError
        ? error
        : new RegistryError('INTERNAL', `A committed command cannot be applied: ${String(error)}`, { cause: error });
    // Those of the batch that were answered already are not touched by this.
    for (const { reject } of batch) reject(this.failure);
    this.rejectAll(this.failure);
    this.feed.stop(this.failure);
    this.stopLeading();
  }

  private rejectAll(error: RegistryError): void {
    for (const { reject } of this.queue.splice(0)) reject(error);
  }

  private stopLeading(): void {
    if (!this.leading) return;
    this.leading = false;
    for (const listener of this.listeners) listener({ term: this.term, leading: false });
  }
}

/** @throws RegistryError INTERNAL when an entry cannot be applied, such as one that a newer version wrote */
function restore<Command, State, Result>(
  { codec, machine }: SingleNodeOptions<Command, State, Result>,
  maxClients: number,
  snapshot: Uint8Array | undefined,
  entries: LogEntry[],
): Replicated<Command, State, Result> {
  let at = 'The snapshot';
  try {
    const image = snapshot && (codec.decode(snapshot) as ReplicatedImage<State, Result>);
    const replicated = new Replicated(machine, maxClients, image);
    for (const { index, payload } of entries) {
      at = `Entry ${index}`;
      const proposal = codec.decode(payload) as Proposal<Command> | null;
      if (proposal) replicated.apply(index, proposal);
    }
    return replicated;
  } catch (error) {
    const message = `${at} of the log cannot be applied; start the version of Rollcall that wrote it. ${String(error)}`;
    throw new RegistryError('INTERNAL', message, { cause: error });
  }
}

function closed(): RegistryError {
  return new RegistryError('SHUTTING_DOWN', 'The consensus engine is closed.');
}

function superseded(lastSequence: number): RegistryError {
  const message = `The client has proposed sequence ${lastSequence} since; an earlier one is not applied any more.`;
  return new RegistryError('BAD_REQUEST', message);
}
