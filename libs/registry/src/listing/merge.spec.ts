import * as fc from 'fast-check';
import { mergePages } from './merge.js';
import { type Page, pageOf } from './page.js';
import { type Place, comparePlaces } from './place.js';
import { presentPage, readPage } from './present.js';

const SERVERS = 3;
const PARTS = 2;

interface Thing {
  part: number;
  name: string;
}

/** What each of several servers has. Things may move from one to another. */
class Servers {
  readonly held = Array.from({ length: SERVERS }, () => new Map<string, Thing>());

  put(server: number, thing: Thing): void {
    for (const held of this.held) held.delete(idOf(thing));
    this.held[server]!.set(idOf(thing), thing);
  }

  take(thing: Thing): void {
    for (const held of this.held) held.delete(idOf(thing));
  }

  /** As one of them answers, and as that travels. */
  page(server: number, after: Place | undefined, limit: number, page: number): Page<object> {
    const work = pageOf<Thing, Thing>(
      {
        parts: [0, PARTS],
        entries: (part) => [...this.held[server]!.values()].filter((thing) => thing.part === part),
        matches: () => true,
        placeOf: ({ part, name }) => [part, name],
        describe: (thing) => thing,
      },
      { after, limit },
      { turn: 1_000, page },
    );
    const step = work.next();
    if (!step.done) throw new Error('It was to be done in one turn.');
    const answer = JSON.stringify(presentPage('things', step.value, { isLocal: true }));
    return readPage('things', JSON.parse(answer) as Record<string, unknown>)!;
  }
}

function idOf({ part, name }: Thing): string {
  return `${part}/${name}`;
}

const thing = fc.record({ part: fc.nat(PARTS - 1), name: fc.string({ maxLength: 2 }) });
const placed = fc.record({ server: fc.nat(SERVERS - 1), thing });
const change = fc.record({ isTaken: fc.boolean(), server: fc.nat(SERVERS - 1), thing });
const limit = fc.integer({ min: 1, max: 5 });

describe('the pages of a list of several servers', () => {
  it('hold what is there all the time once, wherever it is, while things come, go and move', () => {
    const changes = fc.array(fc.array(change, { maxLength: 5 }), { maxLength: 20 });
    fc.assert(
      fc.property(
        fc.array(placed),
        changes,
        limit,
        fc.integer({ min: 1, max: 10 }),
        (things, changes, limit, bound) => {
          const servers = new Servers();
          for (const { server, thing } of things) servers.put(server, thing);
          const staying = new Set(things.map(({ thing }) => idOf(thing)));
          const listed: Thing[] = [];
          const ends: Place[] = [];
          const turns = changes.values();
          for (let after: Place | undefined; ;) {
            const pages = servers.held.map((_, server) => servers.page(server, after, limit, bound));
            const { items, next } = mergePages(pages, limit);
            expect(items.length).toBeLessThanOrEqual(limit);
            listed.push(...(items as Thing[]));
            if (!next) break;
            ends.push(next);
            after = next;
            for (const { isTaken, server, thing } of turns.next().value ?? []) {
              if (isTaken) servers.take(thing);
              else servers.put(server, thing);
              if (isTaken) staying.delete(idOf(thing));
            }
          }
          const ids = listed.map(idOf);
          expect(new Set(ids).size).toBe(ids.length);
          expect([...staying].filter((id) => !ids.includes(id))).toEqual([]);
          const places = listed.map(({ part, name }): Place => [part, name]);
          expect(places).toEqual(places.toSorted(comparePlaces));
          expect(ends.every((end, at) => at === 0 || comparePlaces(ends[at - 1]!, end) < 0)).toBe(true);
        },
      ),
    );
  });

  it('go no further than the server that has got least far', () => {
    const pages: Page<string>[] = [
      {
        items: ['a', 'd'],
        places: [
          [0, 'a'],
          [0, 'd'],
        ],
      },
      { items: ['b'], places: [[0, 'b']], next: [0, 'b'] },
      { items: [], places: [], next: [0, 'c'] },
    ];
    expect(mergePages(pages, 10)).toEqual({
      items: ['a', 'b'],
      places: [
        [0, 'a'],
        [0, 'b'],
      ],
      next: [0, 'b'],
    });
    expect(mergePages(pages, 1)).toEqual({ items: ['a'], places: [[0, 'a']], next: [0, 'a'] });
    expect(mergePages([pages[0]!], 2)).toEqual(pages[0]);
    expect(mergePages([], 2)).toEqual({ items: [], places: [] });
  });

  it('tell once what two servers tell of', () => {
    const page = { items: ['a'], places: [[0, 'a']] as Place[] };
    expect(mergePages([page, page], 10)).toEqual(page);
  });

  it('take no answer for a page that is none', () => {
    for (const answer of [{}, { things: [1] }, { things: [1], cursors: [] }, { things: [1], cursors: ['x'] }])
      expect(readPage('things', answer)).toBeUndefined();
    expect(readPage('things', { things: [], cursors: [], next: 'x' })).toBeUndefined();
  });
});
