import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { ALL_YOUNG_AT_FIRST, LET_HEAP_GROW } from './heap.js';

/** Holds some 30 MB, of which little changes between collections. */
const HOLDING = `
  const held = Array.from({ length: 300_000 }, (_, at) => ({ at, stamp: [at, 0, 0] }));
  for (let version = 1; version < 6; version++) {
    held[version] = { at: version, stamp: [version, version, 0] };
    gc();
  }
`;

/** By how much V8 lets what is live grow after each collection. */
async function factors(...flags: string[]): Promise<number[]> {
  const all = ['--expose-gc', '--trace-gc-verbose', ...flags, '-e', HOLDING];
  const { stdout } = await promisify(execFile)(process.execPath, all);
  const limits = stdout.matchAll(/HeapController\] Limit: old size: \d+ KB, new limit: \d+ KB \((\d+\.\d+)\)/g);
  return Array.from(limits, ([, factor]) => Number(factor));
}

/** Makes what stays, all in one place of the program. */
const STAYING = `
  const held = [];
  const make = (at) => ({ at, stamp: [at, 0, 0] });
  for (let at = 0; at < 1_000_000; at++) held.push(make(at));
`;

/** From how many places of the program V8 has decided to put what they make among what is old. */
async function tenured(...flags: string[]): Promise<number> {
  const all = ['--trace-pretenuring-statistics', ...flags, '-e', STAYING];
  const { stdout } = await promisify(execFile)(process.execPath, all, { maxBuffer: 64 * 1024 * 1024 });
  return stdout.match(/pretenuring: .* => tenure/g)?.length ?? 0;
}

describe('the heap of a server', () => {
  it('may become twice as large as what is live, in this V8 too', async () => {
    const usual = await factors();
    const grown = await factors(LET_HEAP_GROW);
    expect(usual.length).toBeGreaterThan(0);
    expect(usual).not.toContain(2);
    expect([...new Set(grown)]).toEqual([2]);
  });

  it('has nothing placed among what is old before it is, in this V8 too', async () => {
    expect(await tenured()).toBeGreaterThan(0);
    expect(await tenured(ALL_YOUNG_AT_FIRST)).toBe(0);
  });
});
