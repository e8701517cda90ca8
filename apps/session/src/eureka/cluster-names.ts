import { DEFAULT_GROUP, DEFAULT_INSTANCE_ID, type Env, RegistryError } from '#model';
import { LIST_LIMITS, readListQuery } from '#registry';
import type { ClusterLists } from '../http/cluster-lists.js';

/** Names under which something is published. */
export interface NamesRead {
  dataIds: string[];
  /** No server was missing, and no slot. */
  areAll: boolean;
}

/** A session server subscribes to so many names at most for Eureka's clients. */
export const APPS_MOST = 10_000;

/** Between the beginnings of two readings. */
const REST_MS = 200;

interface ListedNames {
  datums: { dataId: string; publications: number; complete: boolean }[];
  unanswered: unknown[];
  leaderless?: number;
  unsettled?: true;
  next?: string;
}

/**
 * The names in the cluster, read from the leaders of all slots. Whoever asks is told what was there after asking, so that nothing
 * that was published before is missing; and all who ask meanwhile share one reading, so that their number costs nothing.
 */
export class ClusterNames {
  private current: Promise<NamesRead> | undefined;
  private next: Promise<NamesRead> | undefined;
  private beganAtMs = -Infinity;

  constructor(
    private readonly lists: Pick<ClusterLists, 'ofData'>,
    private readonly env: Pick<Env, 'nowMs' | 'at'>,
  ) {}

  read(): Promise<NamesRead> {
    return (this.next ??= this.readNext());
  }

  /** One that is under way may have passed by what has been published since. */
  private async readNext(): Promise<NamesRead> {
    await this.current?.catch(() => undefined);
    await new Promise<void>((resolve) => void this.env.at(this.beganAtMs + REST_MS, resolve));
    this.next = undefined;
    this.beganAtMs = this.env.nowMs();
    return (this.current = this.list());
  }

  private async list(): Promise<NamesRead> {
    const read: NamesRead = { dataIds: [], areAll: true };
    for (let after: { after: string } | undefined; ;) {
      const query = { group: DEFAULT_GROUP, instanceId: DEFAULT_INSTANCE_ID, limit: LIST_LIMITS.most, ...after };
      const asked = readListQuery('datums', query, ['group', 'instanceId']);
      const page = (await this.lists.ofData('datums', asked)) as ListedNames;
      for (const { dataId, publications, complete } of page.datums) {
        if (publications > 0) read.dataIds.push(dataId);
        if (!complete) read.areAll = false;
      }
      if (page.unanswered.length > 0 || page.leaderless !== undefined || page.unsettled) read.areAll = false;
      if (read.dataIds.length > APPS_MOST)
        throw new RegistryError('OVERLOADED', `There are more than ${APPS_MOST} names; ask for one application.`);
      if (page.next === undefined) return read;
      after = { after: page.next };
    }
  }
}
