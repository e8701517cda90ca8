import type { ContentHash, Publication } from '#model';
import { type HashSum, addExactly, addPublication, formatHash } from '../content-hash.js';
import type { KeptPublication } from './memory/kept-publication.js';

interface Share extends HashSum {
  count: number;
}

/** What each session incarnation owns of a slot: how many connected publications, and the hash of them. */
export class Owned {
  private readonly shares = new Map<string, Share>();

  sessions(): IterableIterator<string> {
    return this.shares.keys();
  }

  has(session: string): boolean {
    return this.shares.has(session);
  }

  count(session: string): number {
    return this.shares.get(session)?.count ?? 0;
  }

  /** Of what it owns and these, which it has copies of. */
  hash(session: string, copies: Iterable<KeptPublication>): ContentHash {
    const { high, low } = this.shares.get(session) ?? { high: 0, low: 0 };
    const sum = { high, low };
    for (const publication of copies) addPublication(publication.lend(), 1, sum);
    return formatHash(sum);
  }

  /** Adds the publication to the sums given, or takes it out of them, and so for its owner's. `exact` counts times too. */
  add(publication: Publication, times: 1 | -1, exact: HashSum, sum: HashSum): void {
    if (publication.owner.kind !== 'connected') return addExactly(publication, times, exact, sum);
    const { session } = publication.owner;
    let share = this.shares.get(session);
    if (!share) this.shares.set(session, (share = { count: 0, high: 0, low: 0 }));
    addExactly(publication, times, exact, sum, share);
    share.count += times;
    if (share.count === 0) this.shares.delete(session);
  }
}
