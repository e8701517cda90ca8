import { parseViewHash } from '../view-hash.js';
import { SessionHarness, publicationOf, removalOf, tableOf, versionOf } from './core.harness.js';

const many = (count: number, version = 1) =>
  Array.from({ length: count }, (_, i) => publicationOf(`p${i}`, version, { body: new Uint8Array(200).fill(version) }));

/** Subscribers that take deltas, one a connection, of a list that a delta is less than. */
function subscribed(connections: number[] = [1], size = 10): SessionHarness {
  const session = SessionHarness.ready();
  session.connect(1, 2, 3, 4);
  for (const connection of connections) session.subscribe(connection, { deltas: true });
  session.datum(1, many(size));
  session.transcript();
  return session;
}

const pushes = (session: SessionHarness) => session.transcript().filter((line) => line.includes('/'));
const baseOf = (session: SessionHarness, connection: number, version = session.frames(connection).at(-1)!) => {
  if (!('hash' in version)) throw new Error('Its last frame is not complete.');
  return { clusterId: 'cluster', version: version.version, hash: parseViewHash(version.hash)! };
};

describe('a subscriber that takes deltas', () => {
  it('is sent a snapshot with hashes, and then what has changed, as one frame for all', () => {
    const session = subscribed([1, 2]);
    session.subscribe(3);
    expect(session.frames(1)[0]).toMatchObject({ type: 'snapshot', hashes: { length: 10 } });
    expect(session.frames(3)[0]).not.toHaveProperty('hashes');
    session.transcript();
    session.change(1, 2, [publicationOf('b'), publicationOf('p3', 2)], [removalOf('p4', 2)]);
    session.change(2, 3, [publicationOf('c')]);
    const lines = pushes(session);
    expect(lines.filter((line) => !line.startsWith('c3'))).toEqual([
      'c1/s <- delta 1.1..1.2 b=1 p3=2 -p4',
      'c2/s <- delta 1.1..1.2 b=1 p3=2 -p4',
      'c1/s <- delta 1.2..1.3 c=1',
      'c2/s <- delta 1.2..1.3 c=1',
    ]);
    expect(lines.filter((line) => line.startsWith('c3/s <- snapshot'))).toHaveLength(2);
    expect(session.frames(1).at(-1)).toBe(session.frames(2).at(-1));
    expect(session.frames(1).at(-1)).toMatchObject({ hash: (session.frames(3).at(-1) as { hash: string }).hash });
  });

  it('gets everything since its last acknowledged push as one delta, without what came and went meanwhile', () => {
    const session = subscribed();
    session.ack(1, '1.1');
    session.change(1, 2, [publicationOf('b')]);
    session.change(2, 3, [publicationOf('c'), publicationOf('p1', 5)]);
    session.change(3, 4, many(2).slice(1), [removalOf('c', 3), removalOf('p2', 3)]);
    session.change(4, 5, [publicationOf('b', 2)]);
    session.ack(1, '1.2');
    expect(pushes(session)).toEqual(['c1/s <- delta 1.1..1.2 b=1', 'c1/s <- delta 1.2..1.5 b=2 -p2']);
  });

  it('is sent nothing when what has changed has changed back by then', () => {
    const session = subscribed();
    session.ack(1, '1.1');
    session.change(1, 2, [publicationOf('b')]);
    session.change(2, 3, [publicationOf('b', 2)]);
    session.change(3, 4, [publicationOf('b')]);
    session.ack(1, '1.2');
    expect(pushes(session)).toEqual(['c1/s <- delta 1.1..1.2 b=1']);
    session.change(4, 5, [publicationOf('c')]);
    expect(pushes(session)).toEqual(['c1/s <- delta 1.2..1.5 c=1']);
  });

  it('is sent the whole where a delta would be no smaller', () => {
    const session = subscribed();
    session.change(1, 2, many(9, 2));
    expect(pushes(session)).toEqual([expect.stringMatching(/^c1\/s <- delta 1.1..1.2 (p\d=2 ?){9}$/)]);
    session.change(2, 3, many(10, 3), [removalOf('q')]);
    session.datum(4, [publicationOf('alone')]);
    expect(pushes(session)).toEqual([
      expect.stringMatching(/^c1\/s <- snapshot 1.3 (p\d=3 ?){10}$/),
      'c1/s <- snapshot 1.4 alone=1',
    ]);
  });

  it('is sent the whole when it is further behind than what is remembered', () => {
    const session = subscribed();
    session.ack(1, '1.1');
    for (let i = 1; i <= 100; i++) session.change(i, i + 1, [publicationOf('hot', i)]);
    session.ack(1, '1.2');
    expect(pushes(session).at(-1)).toMatch(/^c1\/s <- snapshot 1\.101 /);
  });

  it('is told that it leaves a view by changing its zone', () => {
    const session = SessionHarness.ready();
    session.connect(1, 2);
    for (const [connection, zone] of [
      [1, 'east'],
      [2, 'west'],
    ] as const)
      session.subscribe(connection, { deltas: true, scope: 'zone', zone });
    const inZone = (zone: string) =>
      many(5).map((each) => ({ ...each, registerId: `${zone}-${each.registerId}`, zone }));
    session.datum(1, [...inZone('east'), ...inZone('west'), publicationOf('e', 1, { zone: 'east' })]);
    session.transcript();
    session.change(1, 2, [publicationOf('e', 2, { zone: 'west' })]);
    expect(pushes(session)).toEqual(['c1/s <- delta 1.1..1.2 -e', 'c2/s <- delta 1.1..1.2 e=2']);
  });

  it('shares its deltas with those who came at another version of the same content', () => {
    const session = SessionHarness.ready();
    session.connect(1, 2);
    session.subscribe(1, { deltas: true, scope: 'zone', zone: 'z' });
    session.datum(1, many(10));
    session.change(1, 2, [publicationOf('w', 1, { zone: 'west' })]);
    session.subscribe(2, { deltas: true, scope: 'zone', zone: 'z' });
    session.change(2, 3, [publicationOf('b')]);
    expect(session.transcript().slice(-2)).toEqual(['c1/s <- delta 1.1..1.3 b=1', 'c2/s <- delta 1.1..1.3 b=1']);
    expect(session.frames(1).at(-1)).toBe(session.frames(2).at(-1));
  });

  it('is sent nothing for a publication that says the same again', () => {
    const session = subscribed();
    session.change(1, 2, [{ ...many(1)[0]!, stamp: [9, 9, 9] }]);
    expect(pushes(session)).toEqual([]);
    session.change(2, 3, [publicationOf('b')]);
    expect(pushes(session)).toEqual(['c1/s <- delta 1.1..1.3 b=1']);
  });

  it('hears of a temporary publication beside an empty delta', () => {
    const session = subscribed();
    const publication = publicationOf('t');
    session.fromData({ kind: 'temporary', slot: 0, leaderEpoch: 1, publication });
    expect(pushes(session)).toEqual(['c1/s <- delta 1.1..1.1 ~t']);
  });
});

describe('a base', () => {
  it('is answered by a delta from a former content, by whatever server that came', () => {
    const session = subscribed();
    const base = baseOf(session, 1);
    session.change(1, 2, [publicationOf('b')]);
    session.change(2, 3, [publicationOf('c')]);
    session.transcript();
    session.subscribe(2, { deltas: true, base });
    // The other server made no push of the content between, and had the first under a later version.
    session.subscribe(3, { deltas: true, base: { ...base, version: versionOf(2) } });
    session.subscribe(4, { base });
    expect(pushes(session)).toEqual([
      'c2/s <- delta 1.1..1.3 b=1 c=1',
      'c3/s <- delta 1.2..1.3 b=1 c=1',
      expect.stringMatching(/^c4\/s <- snapshot 1.3 /),
    ]);
  });

  it('with the hash of the present content is unchanged, whatever its version', () => {
    const session = subscribed();
    const base = baseOf(session, 1);
    session.change(1, 5, [{ ...many(1)[0]!, stamp: [9, 9, 9] }]);
    session.subscribe(2, { deltas: true, base: { ...base, version: versionOf(0) } });
    session.subscribe(3, { deltas: true, base: { ...base, version: versionOf(4) } });
    expect(pushes(session)).toEqual(['c2/s <- unchanged 1.1', 'c3/s <- unchanged 1.5']);
    session.change(5, 6, [publicationOf('b')]);
    expect(pushes(session)).toEqual([
      'c1/s <- delta 1.1..1.6 b=1',
      'c2/s <- delta 1.1..1.6 b=1',
      'c3/s <- delta 1.5..1.6 b=1',
    ]);
    expect(session.frames(1).at(-1)).toBe(session.frames(2).at(-1));
  });

  it('without a hash is unchanged at the present version, and followed by the whole', () => {
    const session = subscribed();
    const { clusterId, version } = baseOf(session, 1);
    session.subscribe(2, { deltas: true, base: { clusterId, version } });
    session.change(1, 2, [publicationOf('b')]);
    session.change(2, 3, [publicationOf('c')]);
    expect(pushes(session).filter((line) => line.startsWith('c2'))).toEqual([
      'c2/s <- unchanged 1.1',
      expect.stringMatching(/^c2\/s <- snapshot 1.2 /),
      'c2/s <- delta 1.2..1.3 c=1',
    ]);
  });

  it('whose content is not known is answered by a snapshot, also at the present version', () => {
    const session = subscribed();
    const { clusterId, version } = baseOf(session, 1);
    const hash = { high: 1, low: 2 };
    session.subscribe(2, { deltas: true, base: { clusterId, version, hash } });
    session.subscribe(3, { deltas: true, base: { clusterId: 'other', version } });
    session.change(1, 2, [publicationOf('b')]);
    expect(pushes(session).map((line) => line.slice(0, 18))).toEqual([
      'c2/s <- snapshot 1',
      'c3/s <- snapshot 1',
      'c1/s <- delta 1.1.',
      'c2/s <- delta 1.1.',
      'c3/s <- delta 1.1.',
    ]);
  });
});

describe('while a slot has a new leader', () => {
  function failedOver(): SessionHarness {
    const session = subscribed([1, 2]);
    session.table(tableOf(2, 'd2', 2));
    session.dataUp('d2');
    session.reconcile();
    session.datum(0, [], false, 2);
    session.subscribe(3, { deltas: true });
    session.transcript();
    return session;
  }

  it('a subscriber that was sent the whole before gets what is new, and in the end whether that was all', () => {
    const session = failedOver();
    session.change(0, 1, [publicationOf('b')], [removalOf('p4', 2)], false, 2);
    expect(pushes(session)).toEqual([
      'c1/s <- partial 1.1..2.1 b=1 -p4',
      'c2/s <- partial 1.1..2.1 b=1 -p4',
      expect.stringMatching(/^c3\/s <- partial 2.1 p0=1 .* b=1 -p4$/),
    ]);
    session.datum(2, [...many(10).filter(({ registerId }) => registerId !== 'p4'), publicationOf('b')], true, 2);
    expect(pushes(session)).toEqual([
      'c1/s <- delta 2.1..2.2',
      'c2/s <- delta 2.1..2.2',
      expect.stringMatching(/^c3\/s <- snapshot 2.2 /),
    ]);
  });

  it('nobody is sent anything where it ends with the content of before', () => {
    const session = failedOver();
    session.datum(2, many(10), true, 2);
    expect(pushes(session)).toEqual([expect.stringMatching(/^c3\/s <- snapshot 2.2 /)]);
    session.change(2, 3, [publicationOf('b')], [], true, 2);
    expect(pushes(session)).toEqual([
      'c1/s <- delta 1.1..2.3 b=1',
      'c2/s <- delta 1.1..2.3 b=1',
      'c3/s <- delta 2.2..2.3 b=1',
    ]);
  });

  it('who cannot merge is sent the whole each time', () => {
    const session = subscribed([]);
    session.subscribe(4, { deltas: true, wholeOnly: true });
    session.datum(1, many(10));
    session.table(tableOf(2, 'd2', 2));
    session.dataUp('d2');
    session.reconcile();
    session.datum(0, [], false, 2);
    session.datum(1, [publicationOf('b')], false, 2);
    session.datum(2, [...many(10), publicationOf('b')], true, 2);
    expect(pushes(session).map((line) => line.replace(/ p\d=1/g, ''))).toEqual([
      'c4/s <- snapshot 1.1',
      'c4/s <- partial 2.1 b=1',
      'c4/s <- delta 2.1..2.2',
    ]);
  });
});

describe('a delta that is refused', () => {
  /** One change, and what its subscriber gets of it and of saying that it does not apply. */
  function refuse(session: SessionHarness, version: number): string[] {
    session.change(version - 1, version, [publicationOf('b', version)]);
    session.request(1, { kind: 'ack', subscriptionId: 's', version: `1.${version}`, refused: true });
    const got = pushes(session).map((line) => line.split(' ')[2]!);
    session.ack(1, `1.${version}`);
    return got;
  }

  it('is answered by the whole, and after three in a row no other is sent', () => {
    const session = subscribed();
    session.ack(1, '1.1');
    for (const version of [2, 3, 4]) expect(refuse(session, version)).toEqual(['delta', 'snapshot']);
    expect(refuse(session, 5)).toEqual(['snapshot', 'snapshot']);
    expect(session.core.counts.refusedDeltas).toBe(4);
  });

  it('counts only until one is taken', () => {
    const session = subscribed();
    session.ack(1, '1.1');
    for (const version of [2, 4, 6, 8]) {
      expect(refuse(session, version)).toEqual(['delta', 'snapshot']);
      session.change(version, version + 1, [publicationOf('c', version)]);
      expect(pushes(session)).toEqual([expect.stringContaining('delta')]);
      session.ack(1, `1.${version + 1}`);
    }
  });
});

describe('a connection that takes no more', () => {
  it('is sent nothing until it has taken what it has, then the newest state of each subscription', () => {
    const session = subscribed([1, 2]);
    session.subscribe(1, { deltas: true }, 't');
    session.transcript();
    session.do({ type: 'clientBackedUp', connection: 1, isBackedUp: true });
    session.change(1, 2, [publicationOf('b')]);
    session.change(2, 3, [publicationOf('c')]);
    expect(pushes(session).map((line) => line.slice(0, 4))).toEqual(['c2/s', 'c2/s']);
    session.do({ type: 'clientBackedUp', connection: 1, isBackedUp: false });
    expect(pushes(session)).toEqual(['c1/s <- delta 1.1..1.3 b=1 c=1', 'c1/t <- delta 1.1..1.3 b=1 c=1']);
    session.change(3, 4, [publicationOf('d')]);
    expect(pushes(session)).toHaveLength(3);
  });
});
