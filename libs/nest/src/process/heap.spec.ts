import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { LET_HEAP_GROW } from './heap.js';

/** Holds some 30 MB, of which little changes between collections. */
const PROGRAM = `
  const held = Array.from({ length: 300_000 }, (_, at) => ({ at, stamp: [at, 0, 0] }));
  for (let version = 1; version < 6; version++) {
    held[version] = { at: version, stamp: [version, version, 0] };
    gc();
  }
`;

/** By how much V8 lets what is live grow after each collection. */
async function factors(...flags: string[]): Promise<number[]> {
  const all = ['--expose-gc', '--trace-gc-verbose', ...flags, '-e', PROGRAM];
  const { stdout } = await promisify(execFile)(process.execPath, all);
  const limits = stdout.matchAll(/HeapController\] Limit: old size: \d+ KB, new limit: \d+ KB \((\d+\.\d+)\)/g);
  return Array.from(limits, ([, factor]) => Number(factor));
}

describe('the heap of a server', () => {
  it('may become twice as large as what is live, in this V8 too', async () => {
    const usual = await factors();
    const grown = await factors(LET_HEAP_GROW);
    expect(usual.length).toBeGreaterThan(0);
    expect(usual).not.toContain(2);
    expect([...new Set(grown)]).toEqual([2]);
  });
});
