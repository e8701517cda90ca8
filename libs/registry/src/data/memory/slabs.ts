/** Large pieces of memory: an allocation of its own costs far more than the bytes of one record. */
const SLAB_BYTES = 64 * 1024;
/** Where only a few records have one size, a slab is made for so many. */
const LEAST_CELLS = 4;
/** A new slab adds this part of what is in use already, so that little of it is empty. */
const GROWTH = 4;
const LEAST_STEP_BYTES = 16;
/** Between two powers of two there are this many sizes of cells. */
const STEPS = 16;
const NONE = -1;

/** Cells of one size, in one piece of memory. A cell is named by where it begins. */
export class Slab {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** Cells in use. */
  used = 0;
  /** The last cell given back; in its first bytes stands the one before it, and so on. */
  private firstFree = NONE;
  /** Cells that have been in use at some time. */
  private touched = 0;

  constructor(
    readonly cellBytes: number,
    private readonly cells: number,
  ) {
    this.bytes = new Uint8Array(cellBytes * cells);
    this.view = new DataView(this.bytes.buffer);
  }

  get isFull(): boolean {
    return this.used === this.cells;
  }

  take(): number {
    if (this.isFull) throw new Error('A full slab was asked for a cell.');
    this.used++;
    if (this.firstFree === NONE) return this.touched++ * this.cellBytes;
    const offset = this.firstFree;
    this.firstFree = this.view.getInt32(offset);
    return offset;
  }

  give(offset: number): void {
    this.used--;
    this.view.setInt32(offset, this.firstFree);
    this.firstFree = offset;
  }
}

interface Size {
  /** Cells in use, in all slabs. */
  used: number;
  /** Slabs that have room. */
  open: Set<Slab>;
}

/**
 * Memory for very many small records, outside the heap: the garbage collector neither looks at it nor moves it, and a
 * record that is replaced by one of about the same size takes its place. What is freed here is used again by records of
 * its size; a slab that is empty is let go of. Whoever holds a cell gives it back exactly once, or lets go of all slabs.
 */
export class Slabs {
  private readonly sizes = new Map<number, Size>();

  /** A slab with room for a record. */
  for(bytes: number): Slab {
    const cellBytes = cellFor(bytes);
    let size = this.sizes.get(cellBytes);
    if (!size) this.sizes.set(cellBytes, (size = { used: 0, open: new Set() }));
    for (const slab of size.open) return slab;
    const most = Math.max(1, Math.floor(SLAB_BYTES / cellBytes));
    const wanted = Math.max(LEAST_CELLS, Math.ceil(size.used / GROWTH));
    const slab = new Slab(cellBytes, Math.min(most, wanted));
    size.open.add(slab);
    return slab;
  }

  /** @returns where the cell begins */
  take(slab: Slab): number {
    const size = this.sizes.get(slab.cellBytes)!;
    const offset = slab.take();
    size.used++;
    if (slab.isFull) size.open.delete(slab);
    return offset;
  }

  give(slab: Slab, offset: number): void {
    const size = this.sizes.get(slab.cellBytes)!;
    slab.give(offset);
    size.used--;
    size.open.add(slab);
    if (size.used === 0) this.sizes.delete(slab.cellBytes);
    // One that is empty stays while all others are full, so that the next record does not make another.
    else if (slab.used === 0 && size.open.size > 1) size.open.delete(slab);
  }
}

/** The size of the cell for so many bytes: at most about a sixteenth larger, or a few bytes. */
export function cellFor(bytes: number): number {
  const powerBytes = 2 ** Math.floor(Math.log2(Math.max(bytes, 1)));
  const step = Math.max(LEAST_STEP_BYTES, powerBytes / STEPS);
  return Math.ceil(Math.max(bytes, 1) / step) * step;
}
