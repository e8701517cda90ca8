import * as fc from 'fast-check';
import { type Slab, Slabs, cellFor } from './slabs.js';

interface Cell {
  slab: Slab;
  offset: number;
  bytes: number;
  mark: number;
}

describe('slabs', () => {
  let slabs: Slabs;
  let lastMark = 0;
  beforeEach(() => (slabs = new Slabs()));

  function take(bytes: number): Cell {
    const slab = slabs.for(bytes);
    const offset = slabs.take(slab);
    const mark = (lastMark = (lastMark % 250) + 1);
    slab.bytes.fill(mark, offset, offset + bytes);
    return { slab, offset, bytes, mark };
  }
  const give = ({ slab, offset }: Cell): void => slabs.give(slab, offset);
  const holds = ({ slab, offset, bytes, mark }: Cell): boolean =>
    slab.bytes.subarray(offset, offset + bytes).every((byte) => byte === mark);
  const reserved = (cells: Cell[]): number =>
    [...new Set(cells.map(({ slab }) => slab))].reduce((sum, { bytes }) => sum + bytes.byteLength, 0);

  it('never lets one record touch another, whatever is taken and given back', () => {
    const step = fc.oneof(fc.record({ take: fc.integer({ min: 0, max: 400 }) }), fc.record({ give: fc.nat(1_000) }));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        slabs = new Slabs();
        const cells: Cell[] = [];
        let spoilt = 0;
        for (const each of steps) {
          if ('take' in each) cells.push(take(each.take));
          else if (cells.length > 0) {
            const [cell] = cells.splice(each.give % cells.length, 1);
            if (!holds(cell!)) spoilt++;
            give(cell!);
          }
        }
        expect(spoilt).toBe(0);
        expect(cells.every(holds)).toBe(true);
      }),
    );
  });

  it('takes little more than the records do', () => {
    for (const bytes of [1, 16, 100, 263, 1_000, 5_000, 70_000, 262_188]) {
      expect(cellFor(bytes)).toBeGreaterThanOrEqual(bytes);
      expect(cellFor(bytes) - bytes).toBeLessThanOrEqual(Math.max(16, bytes / 16));
    }
    const cells = Array.from({ length: 4_000 }, () => take(263));
    expect(reserved(cells) / (4_000 * 263)).toBeLessThan(1.1);
  });

  it('uses again what was given back, so that churn takes nothing', () => {
    const cells = Array.from({ length: 1_000 }, () => take(263));
    const before = reserved(cells);
    for (let i = 0; i < 20_000; i++) {
      const at = (i * 7_919) % cells.length;
      give(cells[at]!);
      cells[at] = take(260 + (i % 10));
    }
    expect(reserved(cells)).toBe(before);
  });

  it('lets go of slabs that are empty, so that records of other sizes can have the memory', () => {
    const cells = Array.from({ length: 2_000 }, () => take(263));
    const held = new Set(cells.map(({ slab }) => slab));
    for (const cell of cells.splice(0)) give(cell);
    const anew = Array.from({ length: 2_000 }, () => take(263));
    expect(anew.some(({ slab }) => held.has(slab))).toBe(false);
  });

  it('keeps one empty slab while the others are full, for the next record', () => {
    const cells = [take(263)];
    const [{ slab: first }] = cells as [Cell];
    while (!first.isFull) cells.push(take(263));
    const extra = take(263);
    give(extra);
    expect(take(263).slab).toBe(extra.slab);
    expect(extra.slab).not.toBe(first);
  });

  it('makes a slab for a large record alone', () => {
    expect(take(200_000).slab.bytes.byteLength).toBe(cellFor(200_000));
  });
});
