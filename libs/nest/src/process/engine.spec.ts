import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { ALL_YOUNG_AT_FIRST, COMPILE_SOON, LET_HEAP_GROW } from './engine.js';

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

/** Runs some code a few hundred times, once in a turn. */
const REPEATING = `
  const bytes = Buffer.alloc(16, 7);
  const read = (at) => bytes[at] + bytes[at + 1] * 3 + bytes[at + 2] * 5 + bytes[at + 3] * 7 + bytes[at + 4] * 11;
  const turn = (left) => {
    read(left % 8);
    if (left > 0) setImmediate(turn, left - 1);
  };
  turn(600);
`;

/** How many of the functions of that V8 has decided to compile. */
async function compiled(...flags: string[]): Promise<number> {
  const { stdout } = await promisify(execFile)(process.execPath, ['--trace-opt', ...flags, '-e', REPEATING]);
  return stdout.match(/\[marking .*<JSFunction (read|turn) /g)?.length ?? 0;
}

describe('the engine of a server', () => {
  it('lets the heap become twice as large as what is live, in this V8 too', async () => {
    const usual = await factors();
    const grown = await factors(LET_HEAP_GROW);
    expect(usual.length).toBeGreaterThan(0);
    expect(usual).not.toContain(2);
    expect([...new Set(grown)]).toEqual([2]);
  });

  it('places nothing among what is old before it is, in this V8 too', async () => {
    expect(await tenured()).toBeGreaterThan(0);
    expect(await tenured(ALL_YOUNG_AT_FIRST)).toBe(0);
  });

  it('compiles what has run some hundred times, in this V8 too', async () => {
    expect(await compiled()).toBe(0);
    expect(await compiled(COMPILE_SOON)).toBeGreaterThan(0);
  });
});
