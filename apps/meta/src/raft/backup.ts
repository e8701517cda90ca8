import { setImmediate } from 'node:timers/promises';
import { type Capture, decodeBackup, encodeBackup, eraOf } from '#consensus';
import { type Env, RegistryError } from '#model';
import { type Consistency, type MetaResult, type MetaState, requireCluster } from '#registry';
import { within } from '../deadline.js';
import type { MetaGroup, MetaNode } from './group.js';
import type { LeaderRoute } from './leader-route.js';
import { META_ENGINE } from './machine.js';

export interface MetaBackup {
  /** A name for the file that tells one from another. */
  name: string;
  bytes: Uint8Array;
}

export const READ_INDEX_PATTERN = 'meta.readIndex';

const READ_INDEX_TIMEOUT_MS = 5_000;
/** For a node that follows, to apply what the leader had committed when it was asked. */
const CATCH_UP_TIMEOUT_MS = 10_000;

/**
 * Backups of the replicated state, each taken from this node's own state. A linearizable one asks the leader how far the
 * group has committed, waits until this node has applied that much, and so contains everything that was acknowledged
 * before it was asked for. One that may be stale contains what this node has applied, whatever the others know.
 */
export class Backups {
  private readonly node: MetaNode;
  private readonly route: LeaderRoute;

  constructor(
    { node, route }: Pick<MetaGroup, 'node' | 'route'>,
    private readonly env: Pick<Env, 'wallMs'>,
  ) {
    this.node = node;
    this.route = route;
  }

  /** @throws RegistryError as a linearizable read, NO_LEADER; DEADLINE_EXCEEDED, NOT_READY */
  async take(consistency: Consistency): Promise<MetaBackup> {
    const index = consistency === 'linearizable' ? await this.readIndex() : await this.indexOf(consistency);
    const capture = await this.captureAt(index);
    const { state } = capture.image;
    requireCluster(state);
    const name = `rollcall-${state.table.clusterId}-${capture.position.index}.backup`;
    return { name, bytes: await this.encode(capture) };
  }

  /** What a node that follows asks of the leader. */
  async readIndexHere(): Promise<{ index: number }> {
    return { index: await this.node.readIndex() };
  }

  private async readIndex(): Promise<number> {
    const { index } = await this.route.take(READ_INDEX_PATTERN, {}, READ_INDEX_TIMEOUT_MS, () => this.readIndexHere());
    if (Number.isSafeInteger(index) && index >= 0) return index;
    throw new RegistryError('INTERNAL', 'The leader answered with an index that is none.');
  }

  /** Where this node stands, if that is not older than allowed. */
  private async indexOf(consistency: { maxAgeMs: number }): Promise<number> {
    await this.node.read(() => undefined, consistency);
    return 0;
  }

  private captureAt(index: number): Promise<Capture<MetaState, MetaResult>> {
    const message = `This meta server has not caught up with entry ${index} in time.`;
    return within(CATCH_UP_TIMEOUT_MS, this.node.capture(index), message);
  }

  /** In steps, between which others have their turn; and read again before anybody relies on it. */
  private async encode({ position, image }: Capture<MetaState, MetaResult>): Promise<Uint8Array> {
    const { clusterId, epoch } = image.state.table;
    const about = {
      clusterId,
      era: eraOf(position.configuration) ?? 0,
      tableEpoch: epoch,
      takenAt: new Date(this.env.wallMs()).toISOString(),
      server: this.node.status().id,
    };
    const encoded = META_ENGINE.codec.encode(image);
    await setImmediate();
    const bytes = encodeBackup({ position, about, image: encoded });
    await setImmediate();
    const written = META_ENGINE.codec.decode(decodeBackup(bytes).image) as Capture<MetaState, MetaResult>['image'];
    await setImmediate();
    META_ENGINE.machine.restore?.(written.state);
    if (Buffer.compare(META_ENGINE.codec.encode(written), encoded) !== 0)
      throw new RegistryError('INTERNAL', 'The backup that was made does not read as what was backed up.');
    return bytes;
  }
}
