import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { isSlotCount, murmur3, slotOf } from './index.js';

interface Vectors {
  vectors: { text: string; murmur3: number; slots: Record<string, number> }[];
}

const published = JSON.parse(readFileSync(new URL('../slot-vectors.json', import.meta.url), 'utf8')) as Vectors;
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('the hash', () => {
  it.each([
    ['', 0, 0],
    ['', 1, 0x514e28b7],
    ['', 0xffffffff, 0x81f16f39],
    ['test', 0, 0xba6bd213],
    ['test', 0x9747b28c, 0x704b81dc],
    ['Hello, world!', 0, 0xc0363e43],
    ['Hello, world!', 0x9747b28c, 0x24884cba],
    ['The quick brown fox jumps over the lazy dog', 0, 0x2e4ff723],
    ['The quick brown fox jumps over the lazy dog', 0x9747b28c, 0x2fa826cd],
  ])('is MurmurHash3 x86_32 as others compute it: %j with seed %i', (text, seed, expected) => {
    expect(murmur3(utf8(text), undefined, seed)).toBe(expected);
  });

  it.each([
    [[0xff, 0xff, 0xff, 0xff], 0x76293b50],
    [[0x21, 0x43, 0x65, 0x87], 0xf55b516b],
    [[0x21, 0x43, 0x65], 0x7e4a8634],
    [[0x21, 0x43], 0xa0f7b07a],
    [[0x21], 0x72661cf4],
    [[0, 0, 0, 0], 0x2362f9de],
    [[0, 0, 0], 0x85f0b427],
    [[0, 0], 0x30f4c306],
    [[0], 0x514e28b7],
  ])('treats bytes as unsigned and tails as its reference does: %j', (bytes, expected) => {
    expect(murmur3(Uint8Array.from(bytes))).toBe(expected);
  });

  it('reads no further than the length given', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), fc.uint8Array({ maxLength: 8 }), (bytes, beyond) => {
        expect(murmur3(Uint8Array.from([...bytes, ...beyond]), bytes.length)).toBe(murmur3(bytes));
      }),
    );
  });
});

describe('the slot of a dataInfoId', () => {
  it.each(published.vectors)('agrees with the published vectors: $text', (vector) => {
    expect(murmur3(utf8(vector.text))).toBe(vector.murmur3);
    for (const [slotCount, slot] of Object.entries(vector.slots))
      expect(slotOf(vector.text, Number(slotCount))).toBe(slot);
  });

  it('depends on nothing that was hashed before, whatever its length', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 400 }),
      fc.string({ unit: 'grapheme', minLength: 80, maxLength: 120 }),
    );
    fc.assert(
      fc.property(text, (dataInfoId) => {
        expect(slotOf(dataInfoId, 4096)).toBe(murmur3(utf8(dataInfoId)) & 4095);
      }),
      { numRuns: 50 },
    );
  });

  it('takes a lone surrogate for the replacement character, as every UTF-8 encoder does', () => {
    expect(slotOf('a\ud800b', 256)).toBe(slotOf('a\ufffdb', 256));
  });

  it('spreads similar names evenly', () => {
    const counts = Array.from({ length: 256 }, () => 0);
    for (let i = 0; i < 25_600; i++) counts[slotOf(`service-${i}#@#DEFAULT_INSTANCE_ID#@#DEFAULT_GROUP`, 256)]!++;
    // 100 expected in each; five standard deviations either way.
    expect(Math.min(...counts)).toBeGreaterThan(50);
    expect(Math.max(...counts)).toBeLessThan(150);
  });

  it('exists for powers of two up to 65536', () => {
    expect([1, 2, 256, 4096, 65_536].every(isSlotCount)).toBe(true);
    expect([0, -1, 3, 255, 1.5, 131_072, Number.NaN, Infinity].some(isSlotCount)).toBe(false);
  });
});
