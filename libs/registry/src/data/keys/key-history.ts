import { type NativeChange, type SlotChange, isNativeChange } from '#model';

/** Changes that are remembered; beyond either the oldest go. */
const KEPT_CHANGES = 20_000;
const KEPT_BYTES = 32 * 1024 * 1024;

/** So many changes wait for what is on its way to disks; with more, no more is written until they are told. */
const WAITING_MAX = 20_000;

/** Revisions that the tables of one epoch may give out. */
export const REVISIONS_OF_AN_EPOCH = 2 ** 32;

/**
 * The revisions of one data server, for all slots that it leads, and what happened at them. A change that waits for disks has
 * its revision already; until it has happened, nothing at a later one is told, so that whoever is told anything has been
 * told everything before it.
 */
export class KeyHistory {
  revision = 1;
  /** What happened at this revision or before is forgotten. */
  floor = 0;
  private readonly pending = new Set<number>();
  private waiting: SlotChange[] = [];
  private kept: SlotChange[] = [];
  private bytes = 0;

  /** Everything up to here has happened. */
  get settled(): number {
    let settled = this.revision;
    for (const revision of this.pending) settled = Math.min(settled, revision - 1);
    return settled;
  }

  get isFull(): boolean {
    return this.waiting.length >= WAITING_MAX;
  }

  raise(revision: number): void {
    if (revision > this.revision) this.revision = revision;
  }

  next(): number {
    return ++this.revision;
  }

  begin(revision: number): void {
    this.pending.add(revision);
  }

  end(revision: number): void {
    this.pending.delete(revision);
  }

  add(changes: SlotChange[]): void {
    this.waiting.push(...changes);
  }

  /** What is to be told now, in order. */
  take(): SlotChange[] {
    if (this.waiting.length === 0) return [];
    const { settled } = this;
    const due = this.waiting.filter(({ revision }) => revision <= settled);
    if (due.length === 0) return due;
    this.waiting = this.waiting.filter(({ revision }) => revision > settled);
    due.sort((a, b) => a.revision - b.revision);
    for (const change of due) this.bytes += sizeOf(change);
    this.kept.push(...due);
    this.forget();
    return due;
  }

  /** Those since then that are remembered; whether that is all is for `floor` to say. */
  since(revision: number): SlotChange[] {
    return this.kept.filter((change) => change.revision >= revision);
  }

  /** Changes of native publications since then that have happened and are told to nobody yet. */
  untold(revision: number): NativeChange[] {
    return this.waiting.filter(isNativeChange).filter((change) => change.revision >= revision);
  }

  /** All changes of one revision are forgotten together. */
  private forget(): void {
    let gone = 0;
    while (this.kept.length - gone > KEPT_CHANGES || this.bytes > KEPT_BYTES) {
      const oldest = this.kept[gone];
      if (!oldest) break;
      this.floor = oldest.revision;
      for (; this.kept[gone]?.revision === this.floor; gone++) this.bytes -= sizeOf(this.kept[gone]!);
    }
    if (gone > 0) this.kept = this.kept.slice(gone);
  }
}

function sizeOf(change: SlotChange): number {
  if (isNativeChange(change)) return 300 + (change.entry?.body.length ?? 0) + (change.prev?.body.length ?? 0);
  const { key, entry, prev } = change;
  return 200 + key.length + (entry?.value.length ?? 0) + (prev?.value.length ?? 0);
}
