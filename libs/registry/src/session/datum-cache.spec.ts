import * as fc from 'fast-check';
import type { Publication } from '#model';
import { type Held, merge } from '../merge.js';
import { DATUM, publicationOf, removalOf, versionOf } from './core.harness.js';
import { CachedDatum, type Difference, type Outcome } from './datum-cache.js';

type Word = { registerId: string; version: number; live: boolean };

const word = fc.record({
  registerId: fc.constantFrom('a', 'b', 'c', 'd'),
  version: fc.integer({ min: 1, max: 5 }),
  live: fc.boolean(),
});
const publications = (words: Word[]) => words.filter((w) => w.live).map((w) => publicationOf(w.registerId, w.version));
const removals = (words: Word[]) => words.filter((w) => !w.live).map((w) => removalOf(w.registerId, w.version));
const seen = (datum: CachedDatum) =>
  Object.fromEntries([...datum.publications()].map((p) => [p.registerId, p.stamp[1]]).toSorted());

/** What the merge rule says of all words together, in whatever order. */
function judge(words: Word[]): Record<string, number> {
  const held = new Map<string, Held>();
  for (const { registerId, version, live } of words) {
    const incoming = { stamp: publicationOf(registerId, version).stamp, live };
    if (merge(held.get(registerId), incoming) === 'take') held.set(registerId, incoming);
  }
  return Object.fromEntries(
    [...held]
      .filter(([, one]) => one.live)
      .map(([id, one]) => [id, one.stamp[1]])
      .toSorted(),
  );
}

function cachedOf(...held: Publication[]): CachedDatum {
  const datum = new CachedDatum(DATUM);
  datum.takeDatum(versionOf(1), true, held);
  return datum;
}

describe('a cached datum', () => {
  it('merges partial answers entry by entry, in any order, and removes nothing by absence', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(word, { selector: (w) => w.registerId }),
        fc.array(fc.array(word, { maxLength: 4 })),
        (first, batches) => {
          const datum = new CachedDatum(DATUM);
          const start = first.map((w) => ({ ...w, live: true }));
          datum.takeDatum(versionOf(1), true, publications(start));
          datum.takeDatum(versionOf(0, 2), false, []);
          let sequence = 0;
          for (const batch of batches) {
            const to = versionOf(++sequence, 2);
            // Within one message upserts come before removals.
            if (sequence % 2) datum.takeChange(datum.version, to, false, publications(batch), removals(batch));
            else datum.takeDatum(to, false, publications(batch));
          }
          const told = batches.flatMap((batch, index) => (index % 2 ? batch.filter((w) => w.live) : batch));
          expect(seen(datum)).toEqual(judge([...start, ...told]));
          expect(datum.state).toBe('partial');
        },
      ),
    );
  });

  it('is exactly what a complete answer says, whatever it was before', () => {
    fc.assert(
      fc.property(fc.array(word), fc.uniqueArray(word, { selector: (w) => w.registerId }), (before, truth) => {
        const datum = new CachedDatum(DATUM);
        datum.takeDatum(versionOf(1), false, publications(before));
        const whole = truth.map((w) => ({ ...w, live: true }));
        datum.takeDatum(versionOf(2), true, publications(whole));
        expect(seen(datum)).toEqual(judge(whole));
        const shownRemoved = [...datum.removals.values()].filter(({ tookAway }) => tookAway);
        expect([datum.state, shownRemoved.length, datum.rezoned.size]).toEqual(['complete', 0, 0]);
      }),
    );
  });

  it('takes by hash just what it would take whole, where it holds that', () => {
    fc.assert(
      fc.property(fc.array(word), fc.array(fc.array(word)), fc.boolean(), fc.boolean(), (first, batches, ...told) => {
        const [wasComplete, isComplete] = told;
        const [whole, same] = [0, 0].map(() => {
          const datum = new CachedDatum(DATUM);
          datum.takeDatum(versionOf(0), wasComplete, publications(first));
          batches.forEach((batch, index) => {
            const [from, to] = [versionOf(index), versionOf(index + 1)];
            datum.takeChange(from, to, wasComplete, publications(batch), removals(batch));
          });
          return datum;
        }) as [CachedDatum, CachedDatum];
        const next = versionOf(1, 2);
        const outcome = whole.takeDatum(next, isComplete, [...whole.publications()]);
        expect(same.takeSame(next, isComplete, same.hash!)).toEqual(outcome);
        expect(same).toEqual(whole);
      }),
    );
  });

  it('asks for the whole where its hash is another, whatever of a publication differs', () => {
    const a = publicationOf('a', 1, { zone: 'east' });
    const hash = cachedOf(a).hash!;
    expect(cachedOf(a).takeSame(versionOf(1, 2), true, hash)).toMatchObject({ changes: [] });
    for (const other of [
      ...[{ registerTimestamp: a.registerTimestamp + 1 }, { zone: 'west' }, { appName: 'x' }],
      ...[{ body: Uint8Array.of(7) }, { stamp: publicationOf('a', 2).stamp }, { registerId: 'b' }],
      { owner: { kind: 'connected' as const, session: 'another', connection: 1 } },
    ])
      expect(cachedOf({ ...a, ...other }).takeSame(versionOf(1, 2), true, hash)).toBe('gap');
    expect(cachedOf().takeSame(versionOf(1, 2), true, hash)).toBe('gap');
    expect(new CachedDatum(DATUM).takeSame(versionOf(1, 2), true, cachedOf().hash!)).toBe('gap');
    expect(cachedOf(a).takeSame(versionOf(0), true, hash)).toBe('ignored');
  });

  it('tells what changed, and nothing when only stamps and owners did', () => {
    const datum = new CachedDatum(DATUM);
    const changes = (outcome: Outcome) =>
      (outcome as Difference).changes.map(
        ({ registerId, old, now }) => `${registerId} ${old?.publication.zone} ${now?.publication.zone}`,
      );
    const b = publicationOf('b');
    expect(changes(datum.takeDatum(versionOf(1), true, [publicationOf('a', 1, { zone: 'east' }), b]))).toEqual([
      'a undefined east',
      'b undefined z',
    ]);
    const hash = datum.entries.get('a')!.high;
    const again = publicationOf('a', 2, { zone: 'east', body: Uint8Array.of(1) });
    expect(changes(datum.takeChange(versionOf(1), versionOf(2), true, [again], []))).toEqual([]);
    expect(datum.entries.get('a')).toMatchObject({ publication: again, high: hash });
    const moved = publicationOf('a', 3, { zone: 'west' });
    expect(changes(datum.takeChange(versionOf(2), versionOf(3), true, [moved], []))).toEqual(['a east west']);
    expect(datum.entries.get('a')!.high).not.toBe(hash);
    for (const fields of [{ appName: 'x' }, { registerTimestamp: 1 }, { body: Uint8Array.of(9) }]) {
      const outcome = datum.takeDatum(datum.version, true, [moved, publicationOf('b', 1, fields)]);
      expect(outcome).toMatchObject({ becameComplete: false });
      expect(changes(outcome)).toEqual(['b z z']);
    }
    expect(changes(datum.takeDatum(datum.version, true, [moved]))).toEqual(['b z undefined']);
  });
});
