import { setImmediate } from 'node:timers/promises';
import type { Owner, Publication, Stamp } from '#model';
import type { Logger } from '#nest';
import { type KeepBatch, WarmCopy } from '#registry';
import { LevelWarmStore, type SlotWrite } from '#store';
import { pack, unpack } from '#wire';

/** A server that is not there yet serves nobody: what is not read by then is asked for, as after a cold start. */
const LOAD_MS = 5_000;
/** As many digits as the highest slot has, so that the records of a slot have a prefix in common with no other's. */
const SLOT_DIGITS = 5;

/** The copy on disk of what this server holds: read once, and written behind everything else. It fails nobody. */
export class WarmDisk {
  private constructor(private readonly store: LevelWarmStore) {}

  static async open(path: string, logger: Logger): Promise<WarmDisk> {
    const store = await LevelWarmStore.open(path);
    for (const warning of store.warnings) logger.warn('warm-copy-damaged', { warning });
    return new WarmDisk(store);
  }

  /** What is on it. One that cannot be read to its end is as good as none. */
  async load(tombstoneMs: number, logger: Logger, nowMs: () => number): Promise<WarmCopy> {
    const endMs = nowMs() + LOAD_MS;
    const copy = new WarmCopy(true, tombstoneMs);
    copy.damages = this.store.warnings.length;
    try {
      for await (const records of this.store.load()) {
        for (const record of records) copy.add(...publicationOf(...record));
        if (nowMs() > endMs) {
          logger.warn('warm-copy-too-large', { loaded: copy.loaded, afterMs: LOAD_MS });
          copy.isKnown = false;
          break;
        }
        // Others get their turn.
        await setImmediate();
      }
      return copy;
    } catch (error) {
      logger.warn('warm-copy-damaged', { warning: 'The copy is done without, and begun anew.', error });
      const nothing = new WarmCopy(false, tombstoneMs);
      nothing.damages = copy.damages + 1;
      return nothing;
    }
  }

  async keep({ erase, writes }: KeepBatch): Promise<void> {
    // Asked for in one go, so that nothing of a next incarnation comes between.
    const erased = erase === 'all' ? [this.store.erase()] : erase.map((slot) => this.store.erasePrefix(prefixOf(slot)));
    const written = writes.length === 0 ? [] : [this.store.write(writes.map(recordOf))];
    await Promise.all([...erased, ...written]);
  }

  close(): Promise<void> {
    return this.store.close();
  }
}

function recordOf({ slot, dataInfoId, registerId, publication }: KeepBatch['writes'][number]): SlotWrite {
  const key = `${prefixOf(slot)}${dataInfoId}\n${registerId}`;
  if (!publication) return { key };
  const { zone, appName, registerTimestamp, stamp, owner, body } = publication;
  const owned = owner.kind === 'connected' ? [owner.session, owner.connection] : [null, leaseOf(owner)];
  return { key, value: pack([zone, appName, registerTimestamp, ...stamp, ...owned, body] satisfies unknown[]) };
}

/** What the key does not say, in the order in which it is written: names of fields would cost more than what they name. */
type Fields = [
  zone: string,
  appName: string,
  registerTimestamp: number,
  ...stamp: Stamp,
  session: string | null,
  connectionOrLeaseMs: number,
  body: Uint8Array,
];

function publicationOf(key: string, value: Uint8Array): [slot: number, publication: Publication] {
  // Names have no control characters.
  const end = key.indexOf('\n');
  const [dataInfoId, registerId] = [key.slice(SLOT_DIGITS + 1, end), key.slice(end + 1)];
  const [zone, appName, registerTimestamp, first, second, third, session, number, body] = unpack(value) as Fields;
  const stamp: Stamp = [first, second, third];
  const owner: Owner =
    session === null ? { kind: 'leased', leaseMs: number } : { kind: 'connected', session, connection: number };
  const publication = { registerId, dataInfoId, zone, appName, registerTimestamp, stamp, owner, body };
  return [Number(key.slice(0, SLOT_DIGITS)), publication];
}

/** Persistent publications are not kept here. */
function leaseOf(owner: Owner): number {
  return owner.kind === 'leased' ? owner.leaseMs : 0;
}

function prefixOf(slot: number): string {
  return `${String(slot).padStart(SLOT_DIGITS, '0')} `;
}
