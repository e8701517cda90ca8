import { DEFAULT_SWITCHES } from '#model';
import { DATUM, SessionHarness, publicationOf, tableOf, versionOf } from './core.harness.js';
import { BOUNDS } from './limits.js';

const said = (registerId: string) => {
  const { stamp: _stamp, owner: _owner, ...publication } = publicationOf(registerId);
  return publication;
};

function announce(session: SessionHarness, registerId = 't', connection = 0): void {
  session.request(connection, { kind: 'announce', publication: said(registerId) });
}

function announced(session: SessionHarness): void {
  session.fromData({ kind: 'announced', slot: 0, requestId: session.lastSent('announce').requestId });
}

function told(session: SessionHarness, registerId = 't', zone = 'z'): void {
  const publication = publicationOf(registerId, 1, { zone });
  session.fromData({ kind: 'temporary', slot: 0, leaderEpoch: 1, publication });
}

/** c1 and c2 have been sent a@1 at version 1.1. */
function watched(): SessionHarness {
  const session = SessionHarness.ready();
  session.connect(1, 2);
  session.subscribe(1);
  session.subscribe(2);
  session.datum(1, [publicationOf('a')]);
  session.transcript();
  return session;
}

describe('a temporary publication on its way out', () => {
  it('goes to the leader once, and is answered when that has told everybody', () => {
    const session = SessionHarness.ready();
    announce(session);
    expect(session.lastSent('announce').publication).toMatchObject({ registerId: 't', dataInfoId: DATUM });
    announced(session);
    expect(session.transcript()).toEqual(['d1 <- announce t', 'c0 <- announced t']);
    session.pass(5_000);
    session.table(tableOf(2, 'd2', 2));
    session.transcript();
    session.dataUp('d2');
    session.reconcile();
    // Neither sent again nor part of what is held.
    expect(session.transcript()).toEqual(['d2 <- digest', 'd2 <- reconcile']);
  });

  it('is refused while no leader can be asked, and nothing is kept of it', () => {
    const session = SessionHarness.ready();
    session.table(tableOf(2, null, 1));
    session.transcript();
    announce(session);
    expect(session.transcript()).toEqual(['c0 <- NO_LEADER']);
    session.table(tableOf(3, 'd2', 2));
    session.dataUp('d2');
    expect(session.transcript()).toEqual(['dial d2:1', 'd2 <- digest']);
  });

  it('is of unknown outcome when its answer is lost, or late', () => {
    const session = SessionHarness.ready();
    announce(session);
    session.dataDown();
    expect(session.transcript()).toContain('c0 <- OUTCOME_UNKNOWN');
    const late = SessionHarness.ready();
    announce(late);
    late.pass(1_000);
    announced(late);
    expect(late.transcript()).toEqual(['d1 <- announce t', 'c0 <- OUTCOME_UNKNOWN']);
  });

  it('is refused where the registry is read-only, and where too many are under way', () => {
    const session = SessionHarness.ready();
    for (let i = 0; i <= BOUNDS.announcements; i++) announce(session);
    expect(session.transcript().slice(-2)).toEqual(['d1 <- announce t', 'c0 <- OVERLOADED']);
    const frozen = SessionHarness.ready({
      switches: { version: 1, switches: { ...DEFAULT_SWITCHES, readOnly: true } },
    });
    announce(frozen);
    expect(frozen.transcript()).toEqual(['c0 <- READ_ONLY']);
  });
});

describe('a temporary publication that is told', () => {
  it('comes once, with what is there, in one frame for all', () => {
    const session = watched();
    told(session);
    expect(session.transcript()).toEqual(['c1/s <- snapshot 1.1 a=1 ~t', 'c2/s <- snapshot 1.1 a=1 ~t']);
    const [one, other] = session.frames().slice(-2);
    expect(one).toBe(other);
    session.change(1, 2, [publicationOf('b')]);
    expect(session.transcript()).toEqual(['c1/s <- snapshot 1.2 a=1 b=1', 'c2/s <- snapshot 1.2 a=1 b=1']);
  });

  it('is nothing that a query or a later subscriber sees', () => {
    const session = watched();
    told(session);
    session.connect(3);
    session.transcript();
    session.subscribe(3);
    session.query();
    expect(session.transcript()).toEqual(['c3 <- done', 'c3/s <- snapshot 1.1 a=1', 'c0 <- snapshot 1.1 a=1']);
  });

  it('is seen in its zone, and by those who see all', () => {
    const session = watched();
    session.connect(3);
    session.subscribe(3, { scope: 'zone', zone: 'elsewhere' });
    session.transcript();
    told(session);
    expect(session.transcript()).toHaveLength(2);
    told(session, 'u', 'elsewhere');
    expect(session.transcript()).toContain('c3/s <- snapshot 1.1 ~u');
  });

  it('waits for an acknowledgement, with the latest others', () => {
    const session = watched();
    session.ack(1, '1.1');
    session.change(1, 2, [publicationOf('a', 2)]);
    session.transcript();
    for (let i = 1; i <= BOUNDS.temporaryPerSubscription + 1; i++) told(session, `t${i}`);
    expect(session.frames(1).at(-1)).not.toHaveProperty('temporary');
    session.ack(1, '1.2');
    const frame = session.frames(1).at(-1);
    expect(frame).toMatchObject({ type: 'snapshot', version: versionOf(2) });
    const told16 = (frame as { temporary?: { registerId: string }[] }).temporary!.map((each) => each.registerId);
    expect(told16).toEqual(Array.from({ length: 16 }, (_, i) => `t${i + 2}`));
  });

  it('waits for the first answer, and is told with it also where the client knows all else', () => {
    const session = SessionHarness.ready();
    session.connect(1);
    session.subscribe(1, { base: { clusterId: 'cluster', version: versionOf(1) } });
    told(session);
    session.transcript();
    session.datum(1, [publicationOf('a')]);
    expect(session.transcript()).toEqual(['c1/s <- snapshot 1.1 a=1 ~t']);
  });

  it('says nothing of an empty list while the datum is partial', () => {
    const session = SessionHarness.ready();
    session.connect(1);
    session.subscribe(1);
    session.datum(0, [], false);
    told(session);
    session.datum(1, [publicationOf('a')], false);
    expect(session.transcript().slice(-2)).toEqual(['c1/s <- pending', 'c1/s <- partial 1.1 a=1 ~t']);
  });

  it('is lost on those to whom pushes are stopped, and void from a leader of the past', () => {
    const stopPush = { scope: 'all' as const };
    const stopped = SessionHarness.ready({ switches: { version: 1, switches: { ...DEFAULT_SWITCHES, stopPush } } });
    stopped.connect(1);
    stopped.subscribe(1);
    told(stopped);
    stopped.datum(1, [publicationOf('a')]);
    stopped.fromMeta({ kind: 'switches', version: 2, switches: DEFAULT_SWITCHES });
    stopped.pass(100);
    expect(stopped.transcript().at(-1)).toBe('c1/s <- snapshot 1.1 a=1');
    const session = watched();
    session.table(tableOf(2, 'd1', 2));
    session.transcript();
    told(session);
    expect(session.transcript()).toEqual([]);
  });
});
