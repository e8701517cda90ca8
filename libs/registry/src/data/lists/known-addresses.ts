import type { RoutingTable } from '#model';
import type { NamedServer } from './items.js';

/** Servers that are gone are named as long as there are not so many later ones. */
const KEPT = 1_000;

/** Where servers are, and where those were that have gone lately. */
export class KnownAddresses {
  private readonly addresses = new Map<string, string>();

  takeTable({ members }: Pick<RoutingTable, 'members'>): void {
    for (const { incarnation, address } of members) {
      if (this.addresses.get(incarnation) === address) continue;
      this.addresses.set(incarnation, address);
    }
    if (this.addresses.size <= KEPT + members.length) return;
    const present = new Set(members.map(({ incarnation }) => incarnation));
    for (const incarnation of this.addresses.keys()) {
      if (this.addresses.size <= KEPT) return;
      if (!present.has(incarnation)) this.addresses.delete(incarnation);
    }
  }

  named(incarnation: string): NamedServer {
    return { incarnation, address: this.addresses.get(incarnation) ?? null };
  }
}
