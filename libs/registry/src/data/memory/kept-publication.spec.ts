import * as fc from 'fast-check';
import type { Owner, Publication } from '#model';
import { KeptPublication, copies, nameOf } from './kept-publication.js';
import { Slabs } from './slabs.js';

const count = fc.maxSafeNat();
const owner: fc.Arbitrary<Owner> = fc.oneof(
  fc.record({ kind: fc.constant('connected' as const), session: fc.string(), connection: count }),
  fc.record({ kind: fc.constant('leased' as const), leaseMs: count }),
  fc.constant({ kind: 'persistent' as const }),
);
const published: fc.Arbitrary<Publication> = fc.record({
  registerId: fc.constant('r'),
  dataInfoId: fc.constant('d'),
  zone: fc.string({ unit: 'grapheme' }),
  appName: fc.string({ unit: 'grapheme' }),
  registerTimestamp: fc.double({ noNaN: true, noDefaultInfinity: true }),
  stamp: fc.tuple(count, count, count),
  owner,
  body: fc.uint8Array({ maxLength: 600 }),
});

function publication(registerId: string, fill: number, bytes = 100): Publication {
  return {
    ...{ registerId, dataInfoId: 'd', zone: 'z', appName: 'shop', registerTimestamp: 5, stamp: [1, 2, 3] },
    owner: { kind: 'connected', session: 's1', connection: 4 },
    body: new Uint8Array(bytes).fill(fill),
  };
}

describe('a publication that is held', () => {
  const memory = { slabs: new Slabs(), intern: (text: string) => text };

  function keep(value: Publication): KeptPublication {
    const kept = new KeptPublication(value.registerId, value.dataInfoId);
    kept.set(value, memory);
    return kept;
  }

  it('comes out as it went in, however often it is replaced', () => {
    fc.assert(
      fc.property(fc.array(published, { minLength: 1 }), (versions) => {
        const neighbours = [keep(publication('before', 1)), keep(publication('after', 2))];
        const kept = keep(versions[0]!);
        for (const version of versions) {
          kept.set(version, memory);
          expect(kept.copy()).toEqual(version);
          expect(kept.lend()).toEqual(version);
          expect(kept.looksLike(version)).toBe(true);
          expect(nameOf(kept)).toEqual({ dataInfoId: 'd', registerId: 'r', stamp: version.stamp });
        }
        kept.release(memory.slabs);
        expect(copies(neighbours)).toEqual([publication('before', 1), publication('after', 2)]);
      }),
    );
  });

  it('says who owns it', () => {
    const kept = keep(publication('r', 1));
    expect([kept.session, kept.leaseMs]).toEqual(['s1', undefined]);
    kept.set({ ...publication('r', 1), owner: { kind: 'leased', leaseMs: 5_000 } }, memory);
    expect([kept.session, kept.leaseMs]).toEqual([undefined, 5_000]);
    kept.set({ ...publication('r', 1), owner: { kind: 'persistent' } }, memory);
    expect([kept.session, kept.leaseMs]).toEqual([undefined, undefined]);
  });

  it('looks different when anything does that subscribers see', () => {
    const shown = publication('r', 1);
    const kept = keep(shown);
    expect(kept.looksLike({ ...shown, stamp: [9, 9, 9], owner: { kind: 'persistent' } })).toBe(true);
    expect(kept.looksLike({ ...shown, zone: 'other' })).toBe(false);
    expect(kept.looksLike({ ...shown, appName: 'other' })).toBe(false);
    expect(kept.looksLike(publication('r', 2))).toBe(false);
    expect(kept.looksLike(publication('r', 1, 99))).toBe(false);
  });

  it('is told as a copy, which a replacement does not reach', () => {
    const kept = keep(publication('r', 1));
    const told = kept.copy();
    kept.set(publication('r', 2), memory);
    expect(told).toEqual(publication('r', 1));
    // Other than what is lent, which is why that is not kept.
    expect(keep(publication('x', 1)).lend().body.buffer).not.toBe(told.body.buffer);
  });

  it('can be asked nothing once its memory is given back, not even by mistake', () => {
    const kept = keep(publication('r', 1));
    kept.release(memory.slabs);
    for (const use of [() => kept.copy(), () => kept.lend(), () => kept.stamp, () => kept.release(memory.slabs)])
      expect(use).toThrow('r is not held any more.');
  });
});
