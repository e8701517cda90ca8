import type { Consensus, LogStore } from '../contract.js';
import type { FeedItem } from '../feed.js';
import type { Capture, Waiter } from './applier.js';
import type { Entry, MembershipChange, NodeId } from './contract.js';
import { deviceOf } from './log-writer.js';
import type { Leadership, RaftNodeOptions, RaftNodeStatus } from './node-options.js';
import { RaftRunner } from './runner.js';

/** A node of a Raft group as its users meet it: on a log store, and with a promise for whatever takes time. */
export class RaftNode<Command, State, Result> implements Consensus<Command, State, Result> {
  private closing: Promise<void> | undefined;

  private constructor(
    private readonly runner: RaftRunner<Command, State, Result>,
    private readonly store: LogStore,
  ) {}

  /**
   * Opens the store and takes part.
   * @throws RegistryError STORE_CORRUPT, STORE_LOCKED; STORE_FAILED, also when another version wrote the log
   */
  static async open<Command, State, Result>(
    options: RaftNodeOptions<Command, State, Result>,
  ): Promise<RaftNode<Command, State, Result>> {
    const { store } = options;
    const found = await store.open();
    try {
      const runner = new RaftRunner<Command, State, Result>({ ...options, found, device: deviceOf(store) });
      runner.start();
      return new RaftNode(runner, store);
    } catch (error) {
      await store.close();
      throw error;
    }
  }

  propose(id: { client: string; sequence: number }, command: Command): Promise<{ index: number; result: Result }> {
    return promised((waiter) => this.runner.propose(id, command, waiter));
  }

  async read<T>(query: (state: State) => T, mode: 'linearizable' | { maxAgeMs: number }): Promise<T> {
    return query(await promised<State>((waiter) => this.runner.read(mode, waiter)));
  }

  /**
   * Everything that was acknowledged before the call is at or before this index.
   * @throws RegistryError as a linearizable `read`
   */
  readIndex(): Promise<number> {
    return promised((waiter) => this.runner.readIndex(waiter));
  }

  /** The whole replicated state here, once it contains everything to `index`; a node that falls behind may take long. */
  capture(index: number): Promise<Capture<State, Result>> {
    return promised((waiter) => this.runner.capture(index, waiter));
  }

  watch(afterIndex: number): AsyncIterable<FeedItem<Command, State>> {
    return this.runner.watch(afterIndex);
  }

  /**
   * `leading` is told once everything committed before has been applied here, so that a new leader acts on the state
   * that the one before it left.
   */
  onLeadership(listener: (leadership: Leadership) => void): () => void {
    return this.runner.onLeadership(listener);
  }

  status(): RaftNodeStatus {
    return this.runner.status();
  }

  /** Of the group, as `Configuration` has it; undefined while this node knows nothing of its group. */
  get era(): number | undefined {
    return this.runner.era;
  }

  /** Undefined where the log has been compacted, and beyond its end. */
  entryAt(index: number): Entry | undefined {
    return this.runner.entryAt(index);
  }

  /**
   * Resolves with its index once it is committed. One change at a time.
   * @throws RegistryError NOT_LEADER with `details.leader`, or what is wrong with the change
   */
  changeMembership(change: MembershipChange): Promise<number> {
    return promised((waiter) => this.runner.changeMembership(change, waiter));
  }

  /** Hands the lead to another voter; resolves when this node no longer leads. */
  async transfer(to: NodeId): Promise<void> {
    await promised<number>((waiter) => this.runner.transfer(to, waiter));
  }

  /** Whom a leader that is to go should hand over to; undefined where nobody is fit, or this node does not lead. */
  heir(): NodeId | undefined {
    return this.runner.heir();
  }

  /** Saves the state as it is now and drops the log before it, on this node alone. Resolves with the snapshot's index. */
  snapshotNow(): Promise<number> {
    return promised((waiter) => this.runner.snapshotNow(waiter));
  }

  /** What is being written is finished; who waits is refused. A leader that is to go hands over first. */
  close(): Promise<void> {
    this.closing ??= this.shutDown();
    return this.closing;
  }

  /** For tests: gone in the middle of whatever it does, as by kill -9. The store is not closed. */
  crash(): void {
    this.runner.stop();
    this.closing ??= Promise.resolve();
  }

  private async shutDown(): Promise<void> {
    await new Promise<void>((resolve) => this.runner.stop(resolve));
    await this.store.close();
  }
}

function promised<T>(ask: (waiter: Waiter<T>) => void): Promise<T> {
  return new Promise((resolve, reject) => ask({ resolve, reject }));
}
