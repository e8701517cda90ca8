import * as fc from 'fast-check';
import { type Listing, type Page, pageOf } from './page.js';
import { type Place, comparePlaces, formatCursor, parseCursor } from './place.js';

const PARTS = 3;

/** Things in parts, by name, as tiers keep what they hold; what has been looked at is counted. */
class Shelf {
  readonly parts: readonly [number, number] = [0, PARTS];
  readonly held = Array.from({ length: PARTS }, () => new Map<string, { part: number; name: string }>());
  looked = 0;

  put(part: number, name: string): void {
    this.held[part]!.set(name, { part, name });
  }

  take(part: number, name: string): void {
    this.held[part]!.delete(name);
  }

  list(matches: (name: string) => boolean = () => true): Listing<{ part: number; name: string }, string> {
    const { parts, held } = this;
    const count = (): void => void this.looked++;
    return {
      parts,
      *entries(part) {
        for (const entry of held[part]!.values()) {
          count();
          yield entry;
        }
      },
      matches: ({ name }) => matches(name),
      placeOf: ({ part, name }) => [part, name],
      describe: (entry) => (held[entry.part]!.has(entry.name) ? idOf(entry.part, entry.name) : undefined),
    };
  }

  get ids(): string[] {
    return this.held.flatMap((part, at) => [...part.keys()].map((name) => idOf(at, name)));
  }
}

function idOf(part: number, name: string): string {
  return `${part}/${name}`;
}

/** All pages; `between` runs whenever others have a turn, and between pages. */
function pagesOf(
  list: Parameters<typeof pageOf<{ part: number; name: string }, string>>[0],
  limit: number,
  bounds = { turn: 2_000, page: 50_000 },
  between: () => void = () => {},
): Page<string>[] {
  const pages: Page<string>[] = [];
  for (let after: Place | undefined; ;) {
    const work = pageOf(list, { after, limit }, bounds);
    let step = work.next();
    while (!step.done) {
      between();
      step = work.next();
    }
    pages.push(step.value);
    if (!step.value.next) return pages;
    // As it comes back from whoever was given it.
    after = parseCursor('shelf', formatCursor('shelf', step.value.next));
    between();
  }
}

const itemsOf = (pages: Page<string>[]): string[] => pages.flatMap(({ items }) => items);

const name = fc.string({ maxLength: 3 });
const where = fc.tuple(fc.nat(PARTS - 1), name);
const change = fc.record({ kind: fc.constantFrom('put' as const, 'take' as const, 'replace' as const), at: where });
const bounds = fc.record({ turn: fc.integer({ min: 1, max: 30 }), page: fc.integer({ min: 1, max: 30 }) });

describe('the pages of a list', () => {
  it('hold each entry once, in order, while nothing changes', () => {
    fc.assert(
      fc.property(fc.array(where), fc.integer({ min: 1, max: 7 }), bounds, (entries, limit, bounds) => {
        const shelf = new Shelf();
        for (const [part, name] of entries) shelf.put(part, name);
        const pages = pagesOf(shelf.list(), limit, bounds);
        const places = [...new Set(entries.map(([part, name]) => idOf(part, name)))].map(placeIn);
        expect(itemsOf(pages)).toEqual(places.toSorted(comparePlaces).map(([part, name]) => idOf(part, String(name))));
        expect(Math.max(...pages.map(({ items }) => items.length))).toBeLessThanOrEqual(limit);
      }),
    );
  });

  it('hold whatever is there all the time, and nothing twice, while others come and go', () => {
    const changes = fc.array(fc.array(change, { maxLength: 4 }), { maxLength: 20 });
    fc.assert(
      fc.property(
        fc.array(where),
        changes,
        fc.integer({ min: 1, max: 5 }),
        bounds,
        (entries, changes, limit, bounds) => {
          const shelf = new Shelf();
          for (const [part, name] of entries) shelf.put(part, name);
          const staying = new Set(shelf.ids);
          const everThere = new Set(shelf.ids);
          const turns = changes.values();
          const pages = pagesOf(shelf.list(), limit, bounds, () => {
            for (const { kind, at } of turns.next().value ?? []) {
              if (kind !== 'put') shelf.take(...at);
              // What is replaced at once was never gone, as far as anybody can tell; in the map it is the last from now on.
              if (kind === 'replace' && !staying.has(idOf(...at))) continue;
              if (kind === 'take') staying.delete(idOf(...at));
              else {
                shelf.put(...at);
                everThere.add(idOf(...at));
              }
            }
          });
          const listed = itemsOf(pages);
          expect(new Set(listed).size).toBe(listed.length);
          expect(listed.filter((id) => !everThere.has(id))).toEqual([]);
          expect([...staying].filter((id) => !listed.includes(id))).toEqual([]);
        },
      ),
    );
  });

  it('end where nothing matches, too', () => {
    const shelf = new Shelf();
    for (let i = 0; i < 100; i++) shelf.put(i % PARTS, `${i}`);
    expect(
      pagesOf(
        shelf.list((name) => name === '42'),
        10,
      ),
    ).toEqual([{ items: ['0/42'], places: [[0, '42']] }]);
    expect(
      pagesOf(
        shelf.list((name) => name === 'none'),
        10,
      ),
    ).toEqual([{ items: [], places: [] }]);
  });

  it('take so much work at most, however little they find: a part more than the bound, and no turn more than its own', () => {
    const shelf = new Shelf();
    for (let i = 0; i < 9_000; i++) shelf.put(i % PARTS, `${i}`);
    const bounds = { turn: 100, page: 2_000 };
    let last = 0;
    const turns: number[] = [];
    const pages = pagesOf(
      shelf.list((name) => name === '8999'),
      10,
      bounds,
      () => {
        turns.push(shelf.looked - last);
        last = shelf.looked;
      },
    );
    expect(pages).toEqual([
      { items: [], places: [], next: [1] },
      { items: [], places: [], next: [2] },
      { items: ['2/8999'], places: [[2, '8999']] },
    ]);
    expect(shelf.looked).toBe(9_000);
    expect(Math.max(...turns)).toBeLessThanOrEqual(bounds.turn);
  });
});

describe('a cursor', () => {
  it('comes back as the place that it was, whatever the names', () => {
    const names = fc.array(fc.oneof(fc.string({ unit: 'grapheme' }), fc.nat()), { maxLength: 5 });
    fc.assert(
      fc.property(fc.nat(), names, (part, names) => {
        const cursor = formatCursor('list', [part, ...names]);
        expect(cursor).toMatch(/^[A-Za-z0-9_-]+$/);
        expect(parseCursor('list', cursor)).toEqual([part, ...names]);
        expect(parseCursor('another', cursor)).toBeUndefined();
      }),
    );
  });

  it('is none if it is anything else', () => {
    fc.assert(fc.property(fc.string(), (text) => expect(parseCursor('list', text)).toBeUndefined()));
    for (const value of [1, null, {}, [], ['list'], ['list', -1], ['list', 0.5], ['list', 0, {}], ['list', 'a']])
      expect(parseCursor('list', btoa(JSON.stringify(value)))).toBeUndefined();
  });
});

function placeIn(id: string): Place {
  return [Number(id[0]), id.slice(2)];
}
