import { type DataInfoId, type DatumVersion, formatVersion, parseVersion } from '#model';
import { hashText } from '../content-hash.js';
import { parseViewHash } from '../view-hash.js';
import type { PushFrame, SubscriberBase } from './contract.js';

const SEED_HIGH = 0x3c6ef372;
const SEED_LOW = 0x1f83d9ab;

/** A frame that is told as an event with an id. */
export type EventFrame = PushFrame & { type: 'snapshot' | 'partial' | 'delta' };

/**
 * The ids of one stream of server-sent events. A reader that comes back returns the last one and nothing else, so each says
 * what the reader holds by then of every datum that it watches: of one `cluster:version:hash`, of several
 * `cluster;key:version:hash;key:...`. The key is a hash of the datum's name, so that an id is good for a stream of other
 * datums, too. Versions compare only within a cluster; by the hash any session server finds what has changed.
 */
export class EventIds {
  /** `version:hash` of what the reader holds, by key. */
  private readonly held = new Map<string, string>();
  private readonly keys: ReadonlyMap<DataInfoId, string>;
  private clusterId: string;

  /** @param lastEventId of any stream. One that is none of ours is as good as none: everything is sent. */
  constructor(dataInfoIds: readonly DataInfoId[], lastEventId = '') {
    this.keys = new Map(dataInfoIds.map((dataInfoId) => [dataInfoId, keyOf(dataInfoId)]));
    const [head = '', ...others] = lastEventId.split(';');
    const [clusterId, alone] = cut(head);
    this.clusterId = clusterId;
    const told = new Map(others.map(cut));
    const [only] = this.keys.values();
    if (only !== undefined && !this.areSeveral && alone !== '') told.set(only, alone);
    for (const key of this.keys.values()) if (told.has(key)) this.held.set(key, told.get(key)!);
  }

  /** Whether more than one datum is watched. */
  get areSeveral(): boolean {
    return this.keys.size > 1;
  }

  /** What the reader is known to hold of a datum. */
  baseOf(dataInfoId: DataInfoId): SubscriberBase | undefined {
    const [text, digits] = cut(this.held.get(this.keys.get(dataInfoId)!) ?? '');
    const version = parseVersion(text);
    const hash = parseViewHash(digits);
    return this.clusterId && version ? { clusterId: this.clusterId, version, ...(hash ? { hash } : {}) } : undefined;
  }

  /** To be told of every frame in its turn: from then on the reader holds what it leads to. */
  note(frame: EventFrame | (PushFrame & { type: 'unchanged' })): void {
    if (frame.clusterId !== this.clusterId) this.held.clear();
    this.clusterId = frame.clusterId;
    this.held.set(this.keys.get(frame.dataInfoId)!, entryOf(frame));
  }

  /** Of the event that tells the frame noted last. */
  idOf(frame: EventFrame): string {
    if (!this.areSeveral) return aloneId(frame);
    return [this.clusterId, ...Array.from(this.held, ([key, entry]) => `${key}:${entry}`)].join(';');
  }
}

/** The id where nothing else is watched, which is the same in all such streams. */
export function aloneId(frame: EventFrame): string {
  return `${frame.clusterId}:${entryOf(frame)}`;
}

function entryOf(frame: { version: DatumVersion; hash?: string }): string {
  return formatVersion(frame.version) + (frame.hash === undefined ? '' : `:${frame.hash}`);
}

function cut(text: string): [before: string, after: string] {
  const at = text.indexOf(':');
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}

/** 53 bits. */
function keyOf(dataInfoId: DataInfoId): string {
  const [high, low] = [hashText(dataInfoId, SEED_HIGH), hashText(dataInfoId, SEED_LOW)];
  return ((high >>> 11) * 2 ** 32 + low).toString(36);
}
