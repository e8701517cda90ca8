import type { KeptPublication } from './memory/kept-publication.js';

/** Holder of what no session server has. */
export const NOBODY = '';

/**
 * Which session server keeps a copy of each leased publication, to be replayed to the next leader. Nobody else would
 * replay it: its client comes back only to renew.
 */
export class LeaseHolders {
  private readonly holders = new Map<KeptPublication, string>();
  private readonly held = new Map<string, Set<KeptPublication>>();

  set(publication: KeptPublication, incarnation: string): void {
    if (this.holders.get(publication) === incarnation) return;
    this.delete(publication);
    this.holders.set(publication, incarnation);
    const others = this.held.get(incarnation);
    if (others) others.add(publication);
    else this.held.set(incarnation, new Set([publication]));
  }

  delete(publication: KeptPublication): void {
    const incarnation = this.holders.get(publication);
    if (incarnation === undefined) return;
    this.holders.delete(publication);
    const others = this.held.get(incarnation)!;
    others.delete(publication);
    if (others.size === 0) this.held.delete(incarnation);
  }

  incarnations(): string[] {
    return [...this.held.keys()];
  }

  heldBy(incarnation: string): ReadonlySet<KeptPublication> {
    return this.held.get(incarnation) ?? NONE;
  }
}

const NONE: ReadonlySet<KeptPublication> = new Set();
