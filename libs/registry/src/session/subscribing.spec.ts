import { SessionHarness, publicationOf, removalOf, tableOf, versionOf } from './core.harness.js';

const base = (sequence: number, leaderEpoch = 1) => ({
  clusterId: 'cluster',
  version: versionOf(sequence, leaderEpoch),
});

/** A subscriber of c1 that has been sent a@1 at version 1.1. */
function subscribed(options: Parameters<typeof SessionHarness.ready>[0] = {}): SessionHarness {
  const session = SessionHarness.ready(options);
  session.connect(1, 2);
  session.subscribe(1);
  session.datum(1, [publicationOf('a')]);
  session.transcript();
  return session;
}

/** d2 takes over at leaderEpoch 2. */
function failOver(session: SessionHarness): void {
  session.table(tableOf(2, 'd2', 2));
  session.dataUp('d2');
  session.reconcile();
  session.transcript();
}

describe('the first push', () => {
  it('is a full snapshot, even an empty one', () => {
    const session = SessionHarness.ready();
    session.connect(1);
    session.subscribe(1);
    session.datum(0, []);
    expect(session.transcript()).toEqual(['d1 <- interest d', 'c1 <- done', 'c1/s <- snapshot 1.0']);
  });

  it('comes from what is known already, without asking again', () => {
    const session = subscribed();
    session.subscribe(2);
    expect(session.transcript()).toEqual(['c2 <- done', 'c2/s <- snapshot 1.1 a=1']);
  });

  it('says pending when nothing is known within the deadline, once, and comes when it is', () => {
    const session = SessionHarness.ready();
    session.table(tableOf(2, null, 1));
    session.transcript();
    session.connect(1);
    session.subscribe(1);
    session.pass(1_499);
    expect(session.transcript()).toEqual(['c1 <- done']);
    session.pass(10_000);
    expect(session.transcript()).toEqual(['c1/s <- pending']);
    session.table(tableOf(3, 'd2', 2));
    session.dataUp('d2');
    session.datum(0, [publicationOf('a')], true, 2);
    expect(session.transcript()).toEqual(['dial d2:1', 'd2 <- digest', 'd2 <- interest d', 'c1/s <- snapshot 2.0 a=1']);
  });

  it('says unchanged to who knows it already', () => {
    const session = subscribed();
    session.subscribe(2, { base: base(1) });
    session.subscribe(2, { base: base(0) }, 'older');
    session.subscribe(2, { base: { clusterId: 'other', version: versionOf(1) } }, 'foreign');
    expect(session.transcript().filter((line) => line.includes('/'))).toEqual([
      'c2/s <- unchanged 1.1',
      'c2/older <- snapshot 1.1 a=1',
      'c2/foreign <- snapshot 1.1 a=1',
    ]);
  });

  it('refreshes first for who has seen something newer', () => {
    const session = subscribed();
    session.subscribe(2, { base: base(5) });
    expect(session.transcript()).toEqual(['c2 <- done', 'd1 <- interest d']);
    session.datum(4, [publicationOf('b')]);
    expect(session.transcript()).toEqual(['c1/s <- snapshot 1.4 b=1']);
    session.change(4, 6, [publicationOf('c')]);
    expect(session.transcript()).toEqual(['c1/s <- snapshot 1.6 b=1 c=1', 'c2/s <- snapshot 1.6 b=1 c=1']);
  });

  it('says pending to who has seen something newer when cut off', () => {
    const session = subscribed();
    session.dataDown();
    session.subscribe(2, { base: base(5) });
    session.isSilent = true;
    session.pass(1_500);
    expect(session.transcript()).toContainEqual('c2/s <- pending');
  });

  it('is partial while the leader is not complete, and pending while that says nothing', () => {
    const session = SessionHarness.ready();
    session.connect(1, 2);
    session.subscribe(1);
    session.datum(1, [], false);
    expect(session.transcript()).toContainEqual('c1/s <- pending');
    session.change(1, 2, [publicationOf('a')], [], false);
    session.datum(3, [publicationOf('a'), publicationOf('b')]);
    expect(session.transcript()).toEqual(['c1/s <- partial 1.2 a=1', 'c1/s <- snapshot 1.3 a=1 b=1']);
  });

  it('waits for the whole where the client cannot merge into what it has', () => {
    const session = SessionHarness.ready();
    session.connect(1);
    session.subscribe(1, { wholeOnly: true, base: base(0) });
    session.datum(1, [publicationOf('a')], false);
    session.pass(5_000);
    session.datum(2, [publicationOf('a')]);
    expect(session.transcript().filter((line) => line.includes('/'))).toEqual(['c1/s <- snapshot 1.2 a=1']);
  });

  it('needs an id that is not in use on the connection', () => {
    const session = subscribed();
    session.subscribe(1);
    expect(session.transcript()).toEqual(['c1 <- ALREADY_SUBSCRIBED']);
  });
});

describe('changes', () => {
  it('are pushed to every subscriber as one shared frame', () => {
    const session = subscribed();
    session.subscribe(2);
    session.change(1, 2, [publicationOf('b')], [removalOf('a', 2)]);
    expect(session.transcript().slice(2)).toEqual(['c1/s <- snapshot 1.2 b=1', 'c2/s <- snapshot 1.2 b=1']);
    expect(session.frames(1).at(-1)).toBe(session.frames(2).at(-1));
  });

  it('apply only to their exact base; otherwise the whole is asked for, once', () => {
    const session = subscribed();
    session.change(3, 4, [publicationOf('c')]);
    session.change(4, 5, [publicationOf('d')]);
    expect(session.transcript()).toEqual(['d1 <- interest d']);
    session.datum(5, [publicationOf('a'), publicationOf('c'), publicationOf('d')]);
    expect(session.transcript()).toEqual(['c1/s <- snapshot 1.5 a=1 c=1 d=1']);
  });

  it('that show nothing new are not pushed', () => {
    const session = subscribed();
    const renewed = publicationOf('a', 2, { body: Uint8Array.of(1) });
    session.change(1, 1, [renewed]);
    session.change(1, 2, [renewed]);
    expect(session.transcript()).toEqual([]);
    session.subscribe(2);
    // What is seen is that of version 1.1.
    expect(session.transcript()).toEqual(['c2 <- done', 'c2/s <- snapshot 1.1 a=1']);
  });

  it('go only to the zones that they touch', () => {
    const session = SessionHarness.ready();
    session.connect(1, 2);
    session.subscribe(1, { scope: 'zone', zone: 'east' });
    session.subscribe(2, { scope: 'zone', zone: 'west' });
    session.datum(1, [publicationOf('e', 1, { zone: 'east' }), publicationOf('w', 1, { zone: 'west' })]);
    session.transcript();
    session.change(1, 2, [publicationOf('e', 2, { zone: 'east' })]);
    expect(session.transcript()).toEqual(['c1/s <- snapshot 1.2 e=2']);
    session.change(2, 3, [publicationOf('e', 3, { zone: 'west' })]);
    expect(session.transcript()).toEqual(['c1/s <- snapshot 1.3', 'c2/s <- snapshot 1.3 e=3 w=1']);
  });

  it('end with the subscription', () => {
    const session = subscribed();
    session.request(1, { kind: 'unsubscribe', subscriptionId: 's' });
    session.change(1, 2, [publicationOf('b')]);
    session.request(1, { kind: 'unsubscribe', subscriptionId: 's' });
    expect(session.transcript()).toEqual(['d1 <- disinterest d', 'c1 <- done', 'c1 <- NOT_SUBSCRIBED']);
    expect(session.core.counts).toMatchObject({ subscribers: 0, datums: 0 });
  });

  it('end with the connection', () => {
    const session = subscribed();
    session.disconnect(1);
    session.change(1, 2, [publicationOf('b')]);
    expect(session.transcript()).toEqual(['d1 <- disinterest d']);
  });
});

describe('a change of leader', () => {
  it('shows subscribers nothing when the contents agree', () => {
    const session = subscribed();
    failOver(session);
    session.datum(0, [], false, 2);
    session.datum(3, [publicationOf('a', 9, { body: Uint8Array.of(1) })], true, 2);
    expect(session.transcript()).toEqual([]);
  });

  it('says by hash what is held, and takes the word that it is the same', () => {
    const session = subscribed();
    failOver(session);
    const { hash } = session.lastSent('interest');
    session.same(0, hash!, false);
    session.subscribe(2);
    session.same(3, hash!, true);
    session.change(3, 4, [publicationOf('b')], [], true, 2);
    expect(session.transcript()).toEqual([
      ...['c2 <- done', 'c2/s <- partial 2.0 a=1', 'c2/s <- snapshot 2.3 a=1'],
      ...['c1/s <- snapshot 2.4 a=1 b=1', 'c2/s <- snapshot 2.4 a=1 b=1'],
    ]);
  });

  it('asks again where it holds something else than the leader says', () => {
    const session = subscribed();
    failOver(session);
    session.same(0, '0123456789abcdef', false);
    session.same(1, '0123456789abcdef', true);
    expect(session.transcript()).toEqual(['d2 <- interest d', 'd2 <- interest d']);
    session.datum(1, [publicationOf('b')], true, 2);
    expect(session.transcript()).toEqual(['c1/s <- snapshot 2.1 b=1']);
  });

  it('says no hash of what it knows nothing of', () => {
    const session = SessionHarness.ready();
    session.connect(1);
    session.subscribe(1);
    expect(session.lastSent('interest').hash).toBeUndefined();
  });

  it('keeps what was known until the new leader is complete', () => {
    const session = subscribed();
    failOver(session);
    session.datum(0, [publicationOf('b')], false, 2);
    session.subscribe(2);
    session.datum(1, [publicationOf('b')], true, 2);
    expect(session.transcript().filter((line) => line.includes('/'))).toEqual([
      'c1/s <- partial 2.0 a=1 b=1',
      'c2/s <- partial 2.0 a=1 b=1',
      'c1/s <- snapshot 2.1 b=1',
      'c2/s <- snapshot 2.1 b=1',
    ]);
  });

  it('takes the removals that clients asked for while partial, and tells of those it had shown', () => {
    const session = subscribed();
    failOver(session);
    session.datum(0, [], false, 2);
    session.change(0, 1, [], [removalOf('a', 1), removalOf('unknown', 5)], false, 2);
    session.change(1, 2, [publicationOf('a', 1), publicationOf('unknown', 4)], [], false, 2);
    session.change(2, 3, [publicationOf('a', 2), publicationOf('unknown', 6)], [], false, 2);
    expect(session.transcript()).toEqual(['c1/s <- partial 2.1 -a', 'c1/s <- partial 2.3 a=2 unknown=6']);
  });

  it('waits for completeness before it shows what was cleaned up, since its client may have gone elsewhere', () => {
    const session = subscribed();
    failOver(session);
    session.datum(0, [], false, 2);
    session.change(0, 1, [], [{ ...removalOf('a', 1), cause: 'grace-expired' }], false, 2);
    expect(session.transcript()).toEqual([]);
    session.datum(2, [], true, 2);
    expect(session.transcript()).toEqual(['c1/s <- snapshot 2.2']);
  });

  it('names what changed its zone among the removed', () => {
    const session = SessionHarness.ready();
    session.connect(1);
    session.subscribe(1, { scope: 'zone', zone: 'east' });
    session.datum(1, [publicationOf('a', 1, { zone: 'east' })]);
    failOver(session);
    session.datum(0, [publicationOf('a', 2, { zone: 'west' })], false, 2);
    expect(session.transcript()).toEqual(['c1/s <- partial 2.0 -a']);
  });

  it('asks anew instead of taking a change for completeness', () => {
    const session = subscribed();
    failOver(session);
    session.datum(0, [], false, 2);
    session.change(0, 1, [publicationOf('b')], [], true, 2);
    expect(session.transcript()).toEqual(['d2 <- interest d']);
  });

  it('never shows an older version', () => {
    const session = subscribed();
    session.datum(0, []);
    session.change(1, 0, [publicationOf('z')]);
    session.datum(9, [], true, 0);
    expect(session.transcript().filter((line) => line.includes('/'))).toEqual([]);
  });
});

describe('acknowledgements', () => {
  it('hold back what is newer until the last push is acknowledged, then the newest state is sent', () => {
    const session = subscribed();
    session.ack(1, '1.1');
    session.change(1, 2, [publicationOf('b')]);
    session.change(2, 3, [publicationOf('c')]);
    session.change(3, 4, [publicationOf('d')]);
    expect(session.transcript()).toEqual(['c1 <- done', 'c1/s <- snapshot 1.2 a=1 b=1']);
    session.ack(1, '1.1');
    session.ack(1, '1.2');
    expect(session.transcript()).toEqual(['c1 <- done', 'c1/s <- snapshot 1.4 a=1 b=1 c=1 d=1', 'c1 <- done']);
    session.ack(1, '1.4');
    session.change(4, 5, [], [removalOf('a')]);
    expect(session.transcript()).toEqual(['c1 <- done', 'c1/s <- snapshot 1.5 b=1 c=1 d=1']);
  });

  it('are not waited for from who never sends any', () => {
    const session = subscribed();
    session.change(1, 2, [publicationOf('b')]);
    session.change(2, 3, [publicationOf('c')]);
    expect(session.transcript()).toHaveLength(2);
  });

  it('need a subscription and a version', () => {
    const session = subscribed();
    session.ack(1, '1.1', 'nothing');
    session.ack(1, 'one');
    expect(session.transcript()).toEqual(['c1 <- NOT_SUBSCRIBED', 'c1 <- BAD_REQUEST']);
  });
});

describe('a query', () => {
  const answer = (session: SessionHarness, sequence: number, complete: boolean) => {
    const { slot, leaderEpoch, dataInfoId, requestId } = session.lastSent('fetch');
    const version = { leaderEpoch, sequence };
    const publications = complete ? [publicationOf('a')] : [];
    session.fromData({ kind: 'datum', slot, leaderEpoch, dataInfoId, version, complete, publications, requestId });
  };

  it('is answered from a complete datum that somebody subscribes to', () => {
    const session = subscribed();
    session.query();
    session.query({ scope: 'zone', zone: 'elsewhere' });
    expect(session.transcript()).toEqual(['c0 <- snapshot 1.1 a=1', 'c0 <- snapshot 1.1']);
  });

  it('asks the leader otherwise, and says when the answer is partial', () => {
    const session = SessionHarness.ready();
    session.query();
    answer(session, 1, false);
    session.query();
    answer(session, 2, true);
    expect(session.transcript()).toEqual([
      'd1 <- fetch d',
      'c0 <- partial 1.1',
      'd1 <- fetch d',
      'c0 <- snapshot 1.2 a=1',
    ]);
    expect(session.core.counts.datums).toBe(0);
  });

  it('sees what a client was told is stored, though the change is still on its way', () => {
    const session = subscribed();
    session.publish(2, 'b');
    session.applied(undefined, 2);
    session.query();
    expect(session.transcript().at(-1)).toBe('d1 <- fetch d');
  });

  it('waits for a leader, up to the deadline', () => {
    const session = SessionHarness.ready();
    session.table(tableOf(2, null, 1));
    session.transcript();
    session.query();
    session.pass(1_000);
    session.table(tableOf(3, 'd2', 2));
    session.dataUp('d2');
    answer(session, 0, true);
    expect(session.transcript()).toEqual(['dial d2:1', 'd2 <- digest', 'd2 <- fetch d', 'c0 <- snapshot 2.0 a=1']);
  });

  it('fails retryably when no leader comes or answers', () => {
    const session = SessionHarness.ready();
    session.query();
    session.pass(1_500);
    session.table(tableOf(2, null, 1));
    session.query();
    session.pass(1_500);
    expect(session.transcript()).toEqual(['d1 <- fetch d', 'c0 <- PENDING', 'hang up d1', 'c0 <- NO_LEADER']);
  });
});
