import { type Stamp, failure, leasedRegisterId } from '#model';
import { DATUM, SessionHarness, publicationOf, tableOf, versionOf } from './core.harness.js';

const A = leasedRegisterId(DATUM, 'a');
const leaderStamp = (sequence: number, leaderEpoch = 1): Stamp => [leaderEpoch, sequence, 0];

function post(session: SessionHarness, registerId = A): void {
  const publication = publicationOf(registerId, 1, { owner: { kind: 'leased', leaseMs: 15_000 } });
  session.request(0, { kind: 'leasedPublish', publication: { ...publication, registerTimestamp: 0 }, replay: false });
}

const renew = (session: SessionHarness) => session.request(0, { kind: 'renew', registerId: A, dataInfoId: DATUM });
const unpublish = (session: SessionHarness) =>
  session.request(0, { kind: 'leasedUnpublish', registerId: A, dataInfoId: DATUM });

describe('leased publications', () => {
  it('are stamped by the leader, and kept to be replayed to the next one', () => {
    const session = SessionHarness.ready();
    post(session);
    session.applied(undefined, 5);
    session.table(tableOf(2, 'd2', 2));
    session.dataUp('d2');
    session.want([A]);
    expect(session.transcript()).toEqual([
      'd1 <- operations +a@leader',
      'c0 <- leased a 1.5',
      'hang up d1',
      'dial d2:1',
      `d2 <- digest ${A}@5`,
      'd2 <- reconcile +a@5',
    ]);
    expect(session.lastSent('digest').entries).toEqual([expect.objectContaining({ leased: true })]);
    expect(session.lastSent('reconcile').operations).toEqual([
      {
        op: 'publish',
        publication: expect.objectContaining({ stamp: leaderStamp(5), registerTimestamp: session.wallMs }),
      },
    ]);
  });

  it('are never queued: without a leader they fail, retryably', () => {
    const session = SessionHarness.ready();
    session.table(tableOf(2, null, 1));
    session.transcript();
    post(session);
    renew(session);
    unpublish(session);
    expect(session.transcript()).toEqual(['c0 <- NO_LEADER', 'c0 <- NO_LEADER', 'c0 <- NO_LEADER']);
    session.table(tableOf(3, 'd2', 2));
    session.dataUp('d2');
    expect(session.transcript()).toEqual(['dial d2:1', 'd2 <- digest']);
  });

  it('fail when the link breaks, the leader moves or the deadline passes before the answer', () => {
    const session = SessionHarness.ready();
    post(session);
    session.dataDown();
    session.pass(100);
    session.dataUp('d1');
    renew(session);
    session.moved();
    session.pass(100);
    unpublish(session);
    session.pass(1_000);
    const failures = session.transcript().filter((line) => line.startsWith('c0'));
    expect(failures).toEqual(['c0 <- NO_LEADER', 'c0 <- NO_LEADER', 'c0 <- NO_LEADER']);
  });

  it('are kept even if the answer came after the deadline, since they are stored', () => {
    const session = SessionHarness.ready();
    post(session);
    session.pass(1_000);
    session.applied();
    expect(session.transcript()).toEqual(['d1 <- operations +a@leader', 'c0 <- NO_LEADER']);
    expect(session.core.counts.publishers).toBe(1);
  });

  it('are let go of when the leader ends the lease, unless published again since', () => {
    const session = SessionHarness.ready();
    post(session);
    session.applied(undefined, 5);
    session.fromData({
      kind: 'leaseEnded',
      slot: 0,
      leaderEpoch: 1,
      ended: [{ registerId: A, stamp: leaderStamp(4) }],
    });
    expect(session.core.counts).toMatchObject({ publishers: 1, removals: 0 });
    session.fromData({
      kind: 'leaseEnded',
      slot: 0,
      leaderEpoch: 1,
      ended: [{ registerId: A, stamp: leaderStamp(5) }],
    });
    expect(session.core.counts).toMatchObject({ publishers: 0, removals: 1 });
  });

  it('of which nothing is held here leave no trace when they end', () => {
    const session = SessionHarness.ready();
    session.fromData({
      kind: 'leaseEnded',
      slot: 0,
      leaderEpoch: 1,
      ended: [{ registerId: A, stamp: leaderStamp(5) }],
    });
    expect(session.core.counts).toMatchObject({ publishers: 0, removals: 0 });
  });

  it('are adopted from a server that is gone, and replayed like its own', () => {
    const session = SessionHarness.ready();
    const publication = publicationOf(A, 1, { stamp: leaderStamp(3), owner: { kind: 'leased', leaseMs: 15_000 } });
    session.fromData({ kind: 'adopt', slot: 0, leaderEpoch: 0, publications: [publication] });
    expect(session.core.counts.publishers).toBe(0);
    session.fromData({ kind: 'adopt', slot: 0, leaderEpoch: 1, publications: [publication] });
    expect(session.core.counts.publishers).toBe(1);
    session.table(tableOf(2, 'd2', 2));
    session.dataUp('d2');
    expect(session.lastSent('digest').entries).toEqual([expect.objectContaining({ registerId: A, leased: true })]);
  });

  it('are unpublished through any server', () => {
    const session = SessionHarness.ready();
    unpublish(session);
    session.applied();
    expect(session.transcript()).toEqual(['d1 <- operations -a@leader(unpublish)', 'c0 <- done']);
  });

  it('are renewed through any server, which then holds a copy', () => {
    const session = SessionHarness.ready();
    const publication = publicationOf(A, 1, { stamp: leaderStamp(3), owner: { kind: 'leased', leaseMs: 15_000 } });
    const answer = (result: object) => {
      const { requestId } = session.lastSent('renew');
      session.fromData({ kind: 'renewed', slot: 0, requestId, result } as never);
    };
    renew(session);
    answer({ status: 'renewed', expiresInMs: 15_000, publication });
    renew(session);
    answer({ status: 'renewed', expiresInMs: 14_000 });
    expect(session.core.counts.publishers).toBe(1);
    renew(session);
    answer({ status: 'failed', failure: failure('PENDING') });
    expect(session.core.counts.publishers).toBe(1);
    renew(session);
    answer({ status: 'failed', failure: failure('NOT_REGISTERED') });
    expect(session.core.counts.publishers).toBe(0);
    expect(session.transcript()).toEqual([
      'd1 <- renew a and adopt',
      'c0 <- renewed 15000',
      'd1 <- renew a',
      'c0 <- renewed 14000',
      'd1 <- renew a',
      'c0 <- PENDING',
      'd1 <- renew a',
      'c0 <- NOT_REGISTERED',
    ]);
  });

  it('do not confuse the answers of questions of different kinds', () => {
    const session = SessionHarness.ready();
    renew(session);
    session.query();
    const { requestId } = session.lastSent('fetch');
    expect(requestId).not.toBe(session.lastSent('renew').requestId);
    session.fromData({
      ...{ kind: 'datum', slot: 0, leaderEpoch: 1, dataInfoId: DATUM, version: versionOf(1) },
      ...{ complete: true, publications: [], requestId },
    });
    expect(session.transcript().at(-1)).toBe('c0 <- snapshot 1.1');
  });
});
