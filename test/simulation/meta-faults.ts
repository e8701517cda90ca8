import type { Random } from '#model';
import type { Cluster, MetaHost } from '#sim';

/** What a random run does to meta, and how often each is chosen relative to everything else. */
export const META_FAULTS = {
  killMeta: 0.8,
  vanishMeta: 0.3,
  killMetaLeader: 0.8,
  killMetaInWrite: 0.6,
  pauseMetaLeader: 0.8,
  isolateMetaLeader: 0.6,
  stopMeta: 0.4,
  failMetaDisk: 0.3,
  loseMetaQuorum: 0.3,
  restartWithoutMeta: 0.3,
};

export type MetaFault = keyof typeof META_FAULTS;

export function isMetaFault(action: string): action is MetaFault {
  return Object.hasOwn(META_FAULTS, action);
}

/** Breaks meta servers, one or several; each is mended after a while. */
export class MetaFaults {
  constructor(
    private readonly cluster: Cluster,
    private readonly random: Random,
    /** Does something after a while. */
    private readonly later: (run: () => void) => void,
    private readonly aWhileMs: () => number,
  ) {}

  perform(fault: MetaFault): boolean {
    const { cluster } = this;
    switch (fault) {
      case 'killMeta':
        return this.crash(this.one(this.living), 'kill');
      case 'vanishMeta':
        return this.crash(this.one(this.living), 'vanish');
      case 'killMetaLeader':
        return this.crash(cluster.metaLeader, this.random() < 0.3 ? 'vanish' : 'kill');
      case 'killMetaInWrite': {
        const meta = this.one(this.living);
        meta?.log.whenWriting(() => this.crash(meta, 'kill'));
        return meta !== undefined;
      }
      case 'pauseMetaLeader': {
        const { metaLeader } = cluster;
        if (metaLeader) cluster.pause(metaLeader.name, this.aWhileMs());
        return metaLeader !== undefined;
      }
      case 'isolateMetaLeader':
        return this.isolate(cluster.metaLeader);
      case 'stopMeta': {
        const meta = cluster.metaLeader ?? this.one(this.living);
        if (!meta) return false;
        meta.stop(300);
        this.later(() => meta.start());
        return true;
      }
      case 'failMetaDisk': {
        const meta = this.one(this.living);
        if (!meta) return false;
        meta.log.fail();
        this.later(() => {
          meta.log.mend();
          meta.start();
        });
        return true;
      }
      case 'loseMetaQuorum':
        return this.loseQuorum(Math.floor(cluster.metas.length / 2) + 1);
      case 'restartWithoutMeta': {
        if (!this.loseQuorum(cluster.metas.length)) return false;
        for (const host of [this.one(cluster.data)!, this.one(cluster.sessions)!]) {
          host.crash();
          cluster.world.at(cluster.nowMs + this.random() * 3_000, () => host.start());
        }
        return true;
      }
    }
  }

  private get living(): MetaHost[] {
    return this.cluster.metas.filter(({ dead }) => !dead);
  }

  private crash(meta: MetaHost | undefined, how: 'kill' | 'vanish'): boolean {
    if (!meta) return false;
    meta.crash(how);
    this.later(() => meta.start());
    return true;
  }

  /** From the other meta servers, and sometimes from half of everybody else: those may go on believing it. */
  private isolate(leader: MetaHost | undefined): boolean {
    const { cluster } = this;
    if (!leader) return false;
    const others = cluster.servers.filter(
      (each) => each !== leader && (each.role === 'meta' || (this.random() < 0.5 && each.role !== 'data')),
    );
    const ms = this.aWhileMs();
    for (const other of others) cluster.partition(leader.name, other.name, ms);
    return others.length > 0;
  }

  /** At once, and back one by one. */
  private loseQuorum(count: number): boolean {
    const { living } = this;
    if (living.length < this.cluster.metas.length) return false;
    for (let i = 0; i < count; i++) this.crash(this.one(this.living), this.random() < 0.2 ? 'vanish' : 'kill');
    return true;
  }

  private one<T>(choices: readonly T[]): T | undefined {
    return choices[Math.floor(this.random() * choices.length)];
  }
}
