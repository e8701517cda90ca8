import type { DataInfoId, Owner, Publication, Stamp } from '#model';
import { type Slab, type Slabs, cellFor } from './slabs.js';

/** Where the numbers of a record stand in its cell; the body is behind them. */
const REGISTERED = 0;
const STAMP = 8;
/** The connection of a connected publication, the length of a leased one's lease. */
const OWNED_BY = 32;
const BODY_BYTES = 40;
const BODY = 44;

/** What a data server has in common for all of its publications. */
export interface Memory {
  slabs: Slabs;
  /** Gives one string object for equal strings, so that a zone is not held a million times. */
  intern: (text: string) => string;
}

/**
 * A publication as a replica holds it: there may be a million of them, so one is a single small object, with the numbers
 * and the body in a slab. The next publication of the same registerId takes its place in the same object. It is no
 * `Publication`, and what leaves the replica is made one explicitly: a copy that nothing here changes.
 */
export class KeptPublication {
  private zone = '';
  private appName = '';
  private kind: Owner['kind'] = 'persistent';
  /** Owner of a connected publication; else empty. */
  private sessionName = '';
  private slab: Slab | undefined;
  private offset = 0;

  constructor(
    readonly registerId: string,
    readonly dataInfoId: DataInfoId,
  ) {}

  get stamp(): Stamp {
    const { view } = this.cell;
    const at = this.offset + STAMP;
    return [view.getFloat64(at), view.getFloat64(at + 8), view.getFloat64(at + 16)];
  }

  get registerTimestamp(): number {
    return this.cell.view.getFloat64(this.offset + REGISTERED);
  }

  get bodyBytes(): number {
    return this.cell.view.getUint32(this.offset + BODY_BYTES);
  }

  /** The session incarnation that a connected publication is owned by. */
  get session(): string | undefined {
    return this.kind === 'connected' ? this.sessionName : undefined;
  }

  /** Of a leased publication, the length of its lease. */
  get leaseMs(): number | undefined {
    return this.kind === 'leased' ? this.cell.view.getFloat64(this.offset + OWNED_BY) : undefined;
  }

  /** Who says it, for people. */
  get teller(): Pick<Publication, 'owner' | 'appName' | 'zone'> {
    const { owner, appName, zone } = this;
    return { owner, appName, zone };
  }

  /** True when no subscriber, under any filter, could tell it from the other. */
  looksLike({ zone, appName, body }: Publication): boolean {
    if (this.zone !== zone || this.appName !== appName || this.bodyBytes !== body.byteLength) return false;
    const { bytes } = this.cell;
    const at = this.offset + BODY;
    for (let i = 0; i < body.length; i++) if (bytes[at + i] !== body[i]) return false;
    return true;
  }

  /** Takes over all of a publication, whatever was held before. */
  set({ zone, appName, registerTimestamp, stamp, owner, body }: Publication, { slabs, intern }: Memory): void {
    this.zone = intern(zone);
    this.appName = intern(appName);
    this.kind = owner.kind;
    this.sessionName = owner.kind === 'connected' ? intern(owner.session) : '';
    const slab = this.place(BODY + body.byteLength, slabs);
    const { offset } = this;
    slab.view.setFloat64(offset + REGISTERED, registerTimestamp);
    for (let i = 0; i < 3; i++) slab.view.setFloat64(offset + STAMP + 8 * i, stamp[i]!);
    slab.view.setFloat64(offset + OWNED_BY, numberOf(owner));
    slab.view.setUint32(offset + BODY_BYTES, body.byteLength);
    slab.bytes.set(body, offset + BODY);
  }

  /** Gives its memory back; nothing may be asked of it any more. */
  release(slabs: Slabs): void {
    slabs.give(this.cell, this.offset);
    this.slab = undefined;
  }

  /** To look at and not to keep: the body is what lies in the slab now. */
  lend(): Publication {
    const at = this.offset + BODY;
    return this.withBody(this.cell.bytes.subarray(at, at + this.bodyBytes));
  }

  copy(): Publication {
    return copies([this])[0]!;
  }

  /** Copies the body to `target`. @returns the publication with it */
  copyInto(target: Uint8Array, at: number): Publication {
    const from = this.offset + BODY;
    const { bodyBytes } = this;
    target.set(this.cell.bytes.subarray(from, from + bodyBytes), at);
    return this.withBody(target.subarray(at, at + bodyBytes));
  }

  private get cell(): Slab {
    if (!this.slab) throw new Error(`${this.registerId} is not held any more.`);
    return this.slab;
  }

  /** Stays where it is if it can. What was in the cell is lost. */
  private place(bytes: number, slabs: Slabs): Slab {
    if (this.slab?.cellBytes === cellFor(bytes)) return this.slab;
    if (this.slab) slabs.give(this.slab, this.offset);
    const slab = slabs.for(bytes);
    this.offset = slabs.take(slab);
    this.slab = slab;
    return slab;
  }

  private withBody(body: Uint8Array): Publication {
    const { registerId, dataInfoId, zone, appName, registerTimestamp, stamp } = this;
    return { registerId, dataInfoId, zone, appName, registerTimestamp, stamp, owner: this.owner, body };
  }

  private get owner(): Owner {
    const number = this.cell.view.getFloat64(this.offset + OWNED_BY);
    switch (this.kind) {
      case 'connected':
        return { kind: 'connected', session: this.sessionName, connection: number };
      case 'leased':
        return { kind: 'leased', leaseMs: number };
      case 'persistent':
        return { kind: 'persistent' };
    }
  }
}

/** What is live under a name, at a stamp. */
export type LiveName = Pick<Publication, 'dataInfoId' | 'registerId' | 'stamp'>;

/** Without anything that changes when the publication does. */
export function nameOf({ dataInfoId, registerId, stamp }: KeptPublication): LiveName {
  return { dataInfoId, registerId, stamp };
}

function numberOf(owner: Owner): number {
  switch (owner.kind) {
    case 'connected':
      return owner.connection;
    case 'leased':
      return owner.leaseMs;
    case 'persistent':
      return 0;
  }
}

/** Publications to be told, with all bodies in one piece of memory: one for each would take ten times as long. */
export function copies(kept: Iterable<KeptPublication>): Publication[] {
  const all = [...kept];
  let bytes = 0;
  for (const each of all) bytes += each.bodyBytes;
  const bodies = new Uint8Array(bytes);
  let at = 0;
  return all.map((each) => {
    const publication = each.copyInto(bodies, at);
    at += publication.body.byteLength;
    return publication;
  });
}
