import * as fc from 'fast-check';
import type { Publication } from '#model';
import { addHash, formatViewHash, hashSeen, isSameHash, parseViewHash } from './view-hash.js';

const publicationOf = (fields: Partial<Publication> = {}): Publication => ({
  ...{ registerId: 'r', dataInfoId: 'd', zone: 'z', appName: 'a', registerTimestamp: 1, stamp: [1, 1, 1] },
  ...{ owner: { kind: 'persistent' }, body: Uint8Array.of(1, 2, 3) },
  ...fields,
});
const lane = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const hash = fc.record({ high: lane, low: lane });

describe('the hash of a view', () => {
  it('covers everything that is seen of a publication, and nothing else', () => {
    const same = hashSeen(publicationOf());
    for (const fields of [{ stamp: [2, 2, 2] as const }, { owner: { kind: 'leased' as const, leaseMs: 1 } }])
      expect(hashSeen(publicationOf(fields as Partial<Publication>))).toEqual(same);
    const others = [
      ...[{ registerId: 'q' }, { zone: 'y' }, { appName: 'b' }, { registerTimestamp: 2 }],
      ...[{ body: Uint8Array.of(1, 2) }, { body: Uint8Array.of(1, 2, 4) }, { registerId: 'r\nz', zone: '' }],
    ].map((fields) => formatViewHash(hashSeen(publicationOf(fields))));
    expect(new Set([...others, formatViewHash(same)]).size).toBe(others.length + 1);
  });

  it('differs in both halves by the body alone', () => {
    const [a, b] = [1, 2].map((byte) => hashSeen(publicationOf({ body: Uint8Array.of(byte) })));
    expect(a!.high).not.toBe(b!.high);
    expect(a!.low).not.toBe(b!.low);
  });

  it('is a sum in any order, from which anything can be taken away again', () => {
    fc.assert(
      fc.property(fc.array(hash), fc.array(hash), (kept, left) => {
        const sum = { high: 0, low: 0 };
        for (const each of [...left, ...kept]) addHash(sum, each, 1);
        for (const each of left.toReversed()) addHash(sum, each, -1);
        const expected = { high: 0, low: 0 };
        for (const each of kept.toReversed()) addHash(expected, each, 1);
        expect(isSameHash(sum, expected)).toBe(true);
        expect(formatViewHash(sum)).toBe(formatViewHash(expected));
      }),
    );
  });

  it('is written as 16 digits and read from nothing else', () => {
    fc.assert(fc.property(hash, (each) => expect(parseViewHash(formatViewHash(each))).toEqual(each)));
    for (const text of ['', '0'.repeat(15), '0'.repeat(17), 'G'.repeat(16), 'A'.repeat(16), 7, undefined])
      expect(parseViewHash(text)).toBeUndefined();
  });
});
