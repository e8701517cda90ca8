import { DEFAULT_SWITCHES, type PushStop, type Switches, leasedRegisterId } from '#model';
import { DATUM, SessionHarness, datumId, publicationOf, publishOf, stampOf, tableOf } from './core.harness.js';

let version = 0;

function switched(session: SessionHarness, switches: Partial<Switches>): void {
  session.fromMeta({ kind: 'switches', version: ++version, switches: { ...DEFAULT_SWITCHES, ...switches } });
}

const stop = (session: SessionHarness, stopPush: PushStop): void => switched(session, { stopPush });
const go = (session: SessionHarness): void => stop(session, { scope: 'none' });
const pushes = (session: SessionHarness): string[] => session.transcript().filter((line) => line.includes('/'));

/** Clients 1 and 2, from two addresses and of two zones, that have been sent a@1. */
function watched(): SessionHarness {
  const session = SessionHarness.ready();
  for (const connection of [1, 2]) {
    session.do({ type: 'clientConnected', connection, address: `10.0.0.${connection}` });
    session.subscribe(connection, { zone: `zone-${connection}` });
  }
  session.datum(1, [publicationOf('a')]);
  session.transcript();
  return session;
}

describe('a blacklisted name', () => {
  it('takes nothing new, and keeps what there was', () => {
    const session = SessionHarness.ready();
    session.connect(1);
    session.publish(1, 'a');
    session.applied();
    switched(session, { blacklist: ['d'] });
    session.transcript();
    session.publish(1, 'new');
    session.request(1, { kind: 'apply', operations: [{ ...publishOf('a', 2), body: Uint8Array.of(9) } as never] });
    expect(session.transcript()).toEqual(['c1 <- BLACKLISTED new', 'c1 <- BLACKLISTED a']);
    // What repeats, by what is held here or by the client's word, is taken.
    session.request(1, { kind: 'apply', operations: [{ ...publishOf('a', 3), body: Uint8Array.of(1) } as never] });
    session.request(1, { kind: 'apply', operations: [{ ...publishOf('b', 1), replay: true } as never] });
    session.unpublish(1, 'a', 4);
    expect(session.transcript()).toEqual([
      'd1 <- operations +a@3',
      'd1 <- operations +b@1',
      'd1 <- operations -a@4(unpublish)',
    ]);
    switched(session, { blacklist: ['d#@#i#@#another'] });
    session.publish(1, 'new');
    expect(session.transcript()).toEqual(['d1 <- operations +new@1']);
  });

  it('is refused also without a connection, and once', () => {
    const session = SessionHarness.ready({
      switches: { version: 7, switches: { ...DEFAULT_SWITCHES, blacklist: [DATUM] } },
      table: tableOf(1),
    });
    const { stamp: _stamp, owner: _owner, ...said } = publicationOf('x');
    session.connect(1);
    session.request(1, { kind: 'announce', publication: said });
    session.request(1, {
      ...{ kind: 'leasedPublish', replay: false },
      publication: { ...said, registerId: leasedRegisterId(DATUM, 'x'), owner: { kind: 'leased', leaseMs: 5_000 } },
    });
    session.request(1, { kind: 'persistentPublish', publication: { ...said, owner: { kind: 'persistent' } } });
    expect(session.transcript()).toEqual(['c1 <- BLACKLISTED', 'c1 <- BLACKLISTED', 'c1 <- BLACKLISTED']);
  });
});

describe('stopped pushes', () => {
  it('wait, only the newest state of them, and everybody gets the same frame when it ends', () => {
    const session = watched();
    stop(session, { scope: 'all' });
    for (let i = 2; i <= 5; i++) session.change(i - 1, i, [publicationOf('a', i)]);
    expect(pushes(session)).toEqual([]);
    expect(session.core.counts.held).toBe(2);
    go(session);
    expect(pushes(session)).toEqual(['c1/s <- snapshot 1.5 a=5', 'c2/s <- snapshot 1.5 a=5']);
    expect(session.frames(1).at(-1)).toBe(session.frames(2).at(-1));
    expect(session.core.counts.held).toBe(0);
    session.change(5, 6, [publicationOf('a', 6)]);
    expect(pushes(session)).toHaveLength(2);
  });

  it('are nobody else’s business: who missed nothing is sent nothing when it ends', () => {
    const session = watched();
    stop(session, { scope: 'all' });
    go(session);
    expect(session.transcript()).toEqual([]);
  });

  it.each<[PushStop, string]>([
    [{ scope: 'zones', zones: ['zone-2'] }, 'c1'],
    [{ scope: 'addresses', addresses: ['10.0.0.1'] }, 'c2'],
    [{ scope: 'gray', addresses: ['10.0.0.2'] }, 'c2'],
  ])('are those of the clients concerned: %j', (stopPush, served) => {
    const session = watched();
    stop(session, stopPush);
    session.change(1, 2, [publicationOf('b')]);
    expect(pushes(session)).toEqual([`${served}/s <- snapshot 1.2 a=1 b=1`]);
    go(session);
    const other = served === 'c1' ? 'c2' : 'c1';
    expect(pushes(session)).toEqual([`${other}/s <- snapshot 1.2 a=1 b=1`]);
  });

  it('go on for those whom the next state of the switch lets go, and wait on for the others', () => {
    const session = watched();
    stop(session, { scope: 'all' });
    session.change(1, 2, [publicationOf('b')]);
    stop(session, { scope: 'addresses', addresses: ['10.0.0.1'] });
    expect(pushes(session)).toEqual(['c2/s <- snapshot 1.2 a=1 b=1']);
    go(session);
    expect(pushes(session)).toEqual(['c1/s <- snapshot 1.2 a=1 b=1']);
  });

  it('leave queries alone, and tell new subscribers that their answer is pending', () => {
    const session = watched();
    stop(session, { scope: 'all' });
    session.query();
    session.subscribe(1, { zone: 'zone-1' }, 'new');
    session.subscribe(
      1,
      { zone: 'zone-1', base: { clusterId: 'cluster', version: { leaderEpoch: 1, sequence: 1 } } },
      'back',
    );
    expect(session.transcript()).toEqual([
      'c0 <- snapshot 1.1 a=1',
      'c1 <- done',
      'c1/new <- pending',
      'c1 <- done',
      'c1/back <- pending',
    ]);
    session.pass(60_000);
    expect(pushes(session)).toEqual([]);
    go(session);
    expect(pushes(session)).toEqual(['c1/new <- snapshot 1.1 a=1', 'c1/back <- unchanged 1.1']);
  });

  it('say nothing to a stream of events that goes on from a state it has', () => {
    const session = watched();
    stop(session, { scope: 'all' });
    const base = { clusterId: 'cluster', version: { leaderEpoch: 1, sequence: 1 } };
    session.subscribe(1, { wholeOnly: true, base }, 'events');
    session.pass(60_000);
    session.change(1, 2, [publicationOf('b')]);
    expect(pushes(session)).toEqual([]);
    go(session);
    expect(pushes(session)).toContainEqual('c1/events <- snapshot 1.2 a=1 b=1');
  });

  it('still let a client that is ahead of us have us catch up', () => {
    const session = watched();
    stop(session, { scope: 'all' });
    session.subscribe(1, { base: { clusterId: 'cluster', version: { leaderEpoch: 1, sequence: 9 } } }, 'ahead');
    expect(session.transcript()).toContainEqual('d1 <- interest d');
    session.datum(9, [publicationOf('b')]);
    go(session);
    expect(pushes(session)).toContainEqual('c1/ahead <- unchanged 1.9');
  });

  it('cost nothing for clients that went away meanwhile', () => {
    const session = watched();
    stop(session, { scope: 'all' });
    session.change(1, 2, [publicationOf('b')]);
    session.disconnect(1);
    session.request(2, { kind: 'unsubscribe', subscriptionId: 's' });
    expect(session.core.counts.held).toBe(0);
    go(session);
    expect(pushes(session)).toEqual([]);
  });

  it('wait for an acknowledgement as others do', () => {
    const session = watched();
    session.ack(1, '1.1');
    session.change(1, 2, [publicationOf('b')]);
    session.transcript();
    stop(session, { scope: 'all' });
    session.change(2, 3, [publicationOf('c')]);
    session.ack(1, '1.2');
    expect(pushes(session)).toEqual([]);
    go(session);
    expect(pushes(session)).toContainEqual('c1/s <- snapshot 1.3 a=1 b=1 c=1');
  });

  it('come back a share at a time when many waited, each once, and stop again in the middle', () => {
    const session = SessionHarness.ready();
    const count = 2_500;
    const publications = [publicationOf('a')];
    for (let connection = 1; connection <= count; connection++) {
      session.do({ type: 'clientConnected', connection, address: `client-${connection}` });
      session.subscribe(connection, { dataInfoId: datumId(`d${connection}`) });
      session.datum(1, publications, true, 1, datumId(`d${connection}`));
    }
    stop(session, { scope: 'all' });
    for (let connection = 1; connection <= count; connection++)
      session.datum(2, [publicationOf('a', 2)], true, 1, datumId(`d${connection}`));
    session.transcript();
    go(session);
    const first = pushes(session);
    expect(first.length).toBeGreaterThan(0);
    expect(first.length).toBeLessThan(count);
    stop(session, { scope: 'addresses', addresses: [`client-${count}`] });
    session.pass(5_000);
    const rest = pushes(session);
    expect(first.length + rest.length).toBe(count - 1);
    expect(new Set([...first, ...rest]).size).toBe(count - 1);
    expect(session.core.counts.held).toBe(1);
    go(session);
    expect(pushes(session)).toEqual([`c${count}/s <- snapshot 1.2 a=2`]);
  });

  it('are known from the disk before meta is found', () => {
    const switches = { version: 7, switches: { ...DEFAULT_SWITCHES, stopPush: { scope: 'all' as const } } };
    const session = new SessionHarness({ table: tableOf(1), switches });
    session.do({ type: 'start' });
    session.dataUp('d1');
    session.reconcile();
    session.connect(1);
    session.subscribe(1);
    session.datum(1, [publicationOf('a')]);
    expect(pushes(session)).toEqual(['c1/s <- pending']);
    expect(session.effects.filter(({ type }) => type === 'saveSwitches')).toEqual([]);
  });
});

describe('read-only', () => {
  /** Connection 1 holds a. */
  function holding(): SessionHarness {
    const session = SessionHarness.ready();
    session.connect(1, 2);
    session.publish(1, 'a');
    session.applied();
    switched(session, { readOnly: true });
    session.transcript();
    return session;
  }

  it('takes nothing new, no change and no removal, each told so by itself', () => {
    const session = holding();
    session.request(1, {
      kind: 'apply',
      operations: [
        publishOf('b'),
        publishOf('a', 2),
        { op: 'unpublish', registerId: 'a', dataInfoId: DATUM, stamp: stampOf(3) },
        { op: 'unpublish', registerId: 'a', dataInfoId: DATUM, stamp: null },
      ],
    });
    expect(session.transcript()).toEqual(['c1 <- READ_ONLY b, READ_ONLY a, READ_ONLY a, READ_ONLY a']);
    switched(session, { readOnly: false });
    session.publish(1, 'a', 4);
    session.applied(undefined, 2);
    expect(session.transcript()).toEqual(['d1 <- operations +a@4', 'c1 <- stored a 1.2']);
  });

  it('takes what is held already over another connection, and what the client says it had stored elsewhere', () => {
    const session = holding();
    const again = { ...publishOf('a'), stamp: stampOf(2) };
    const moved = { ...publishOf('b', 5), replay: true };
    session.request(2, { kind: 'apply', operations: [again, moved] });
    session.applied();
    expect(session.transcript()).toEqual(['d1 <- operations +a@2 +b@5', 'c2 <- stored a 1.1, stored b 1.2']);
    // The connection that it came over first takes nothing along.
    session.disconnect(1);
    session.pass(10_000);
    expect(session.transcript()).toEqual([]);
    expect(session.core.counts.publishers).toBe(2);
  });

  it('lets go what belongs to clients that are gone: by a goodbye, or after the grace', () => {
    const session = holding();
    session.disconnect(1);
    session.pass(3_000);
    expect(session.transcript()).toEqual(['d1 <- operations -a@1(grace-expired)']);
    const other = holding();
    other.request(1, { kind: 'goodbye' });
    expect(other.transcript()).toEqual(['c1 <- done', 'd1 <- operations -a@1(goodbye)']);
  });

  it('answers those who come over HTTP alike: leases are renewed, and nothing else', () => {
    const session = SessionHarness.ready();
    const registerId = leasedRegisterId(DATUM, 'a');
    const publication = publicationOf(registerId, 1, { owner: { kind: 'leased', leaseMs: 15_000 } });
    const post = (body: number, replay = false): void => {
      const content = { ...publication, body: Uint8Array.of(body) };
      session.request(0, { kind: 'leasedPublish', publication: content, replay });
    };
    post(1);
    session.applied();
    switched(session, { readOnly: true });
    session.transcript();
    post(2);
    session.request(0, { kind: 'leasedUnpublish', registerId, dataInfoId: DATUM });
    expect(session.transcript()).toEqual(['c0 <- READ_ONLY', 'c0 <- READ_ONLY']);
    post(1);
    session.applied(undefined, 2);
    post(2, true);
    session.applied(undefined, 3);
    session.request(0, { kind: 'renew', registerId, dataInfoId: DATUM });
    expect(session.transcript()).toEqual([
      'd1 <- operations +a@leader',
      'c0 <- leased a 1.2',
      'd1 <- operations +a@leader',
      'c0 <- leased a 1.3',
      'd1 <- renew a',
    ]);
  });

  it('pushes on, and says when to try again', () => {
    const session = holding();
    session.subscribe(1);
    session.datum(2, [publicationOf('a'), publicationOf('elsewhere')]);
    expect(pushes(session)).toEqual(['c1/s <- snapshot 1.2 a=1 elsewhere=1']);
    session.publish(1, 'b');
    const [reply] = session.effects.filter(({ type }) => type === 'reply').slice(-1);
    expect(reply).toMatchObject({ reply: { results: [{ failure: { code: 'READ_ONLY', retryAfterMs: 1_000 } }] } });
  });
});
