import { SessionHarness, publicationOf, tableOf } from './core.harness.js';

const AHEAD_MS = 50_000;

/** c1 acknowledges, c2 does not. Both have been sent a@1 at 1.1. The clock of the data server is known to be ahead. */
function subscribed(): SessionHarness {
  const session = SessionHarness.ready();
  session.clockAheadMs = AHEAD_MS;
  session.pass(1_000);
  session.connect(1, 2);
  session.subscribe(1, { acks: true });
  session.subscribe(2);
  session.datum(1, [publicationOf('a')]);
  session.calmMs = 0;
  session.pass(100);
  session.ack(1, '1.1');
  session.transcript();
  return session;
}

/** A change to `to` that was accepted and applied so long ago. */
function change(session: SessionHarness, to: number, ago?: { accepted: number; applied: number }): void {
  const there = session.nowMs + AHEAD_MS;
  session.fromData({
    ...{ kind: 'change', slot: 0, leaderEpoch: 1, dataInfoId: publicationOf('a').dataInfoId, complete: true },
    ...{ from: { leaderEpoch: 1, sequence: to - 1 }, to: { leaderEpoch: 1, sequence: to } },
    ...{ upserts: [publicationOf('a', to)], removals: [] },
    ...(ago ? { times: [there - ago.accepted, there - ago.applied] } : {}),
  });
}

/** How many there were in each stage, and how long they took together. */
function times(session: SessionHarness): Record<string, [count: number, sumMs: number]> {
  const { clockErrorMs: _, ...stages } = session.core.propagation;
  const observed = Object.entries(stages).filter(([, { count }]) => count > 0);
  return Object.fromEntries(observed.map(([stage, { count, sumMs }]) => [stage, [count, sumMs]]));
}

describe('what a leader is told of the acceptance', () => {
  it('is its time by the leader’s clock, as soon as that is known', () => {
    const session = SessionHarness.ready();
    session.clockAheadMs = AHEAD_MS;
    session.connect(1);
    session.publish(1, 'a');
    expect(session.lastSent('operations')).not.toHaveProperty('acceptedAtMs');
    session.pass(1_000);
    session.publish(1, 'a', 2);
    expect(session.lastSent('operations').acceptedAtMs).toBe(session.nowMs + AHEAD_MS);
    session.unpublish(1, 'a', 3);
    expect(session.lastSent('operations').acceptedAtMs).toBe(session.nowMs + AHEAD_MS);
  });

  it('is nothing where the leader does not tell what its clock shows', () => {
    const session = SessionHarness.ready();
    session.connect(1);
    session.pass(10_000);
    session.publish(1, 'a');
    expect(session.lastSent('operations')).not.toHaveProperty('acceptedAtMs');
  });

  it('is off by half the time that the answer took, at most, and the soonest answer counts', () => {
    const session = SessionHarness.ready();
    session.isSilent = true;
    /** The next question is answered after so long, and the clock was read so long after it was asked. */
    const answer = (afterMs: number, readAfterMs: number): void => {
      const asked = session.pings;
      while (session.pings === asked) session.pass(1);
      const { sequence } = session.lastSent('ping');
      const clockMs = session.nowMs + readAfterMs + AHEAD_MS;
      session.nowMs += afterMs;
      session.fromData({ kind: 'pong', sequence, tableEpoch: 0, clockMs });
    };
    answer(10, 9);
    expect(session.core.propagation.clockErrorMs).toBe(5);
    session.connect(1);
    session.publish(1, 'a');
    expect(session.lastSent('operations').acceptedAtMs).toBe(session.nowMs + AHEAD_MS + 4);
    answer(2, 1);
    answer(400, 0);
    session.publish(1, 'b');
    expect(session.core.propagation.clockErrorMs).toBe(1);
    expect(session.lastSent('operations').acceptedAtMs).toBe(session.nowMs + AHEAD_MS);
  });

  it('is when it was first asked for, also where the leader had to be found', () => {
    const session = SessionHarness.ready();
    session.clockAheadMs = AHEAD_MS;
    session.connect(1);
    session.table(tableOf(2, null, 1));
    session.publish(1, 'a');
    const acceptedAtMs = session.nowMs;
    session.pass(400);
    session.table(tableOf(3, 'd2', 2));
    session.dataUp('d2');
    session.pass(2_000);
    session.want(['a']);
    expect(session.lastSent('reconcile').acceptedAtMs).toBe(acceptedAtMs + AHEAD_MS);
    session.reconciled();
    expect(times(session)).toEqual({ stored: [1, 2_400] });
    session.dataDown();
    session.dataUp('d2');
    session.want(['a']);
    expect(session.lastSent('reconcile')).not.toHaveProperty('acceptedAtMs');
  });
});

describe('how long changes take', () => {
  it('is measured from the acceptance to the acknowledgement of each subscriber', () => {
    const session = subscribed();
    change(session, 2, { accepted: 7, applied: 3 });
    expect(times(session)).toEqual({ arrived: [1, 3], pushed: [2, 0] });
    session.pass(20);
    session.ack(1, '1.2');
    expect(times(session)).toEqual({ arrived: [1, 3], pushed: [2, 0], acked: [1, 20], total: [1, 27] });
    session.ack(1, '1.2');
    expect(times(session)).toMatchObject({ acked: [1, 20], total: [1, 27] });
    const { counts, boundsMs } = session.core.propagation.total;
    expect(counts[boundsMs.indexOf(50)]).toBe(1);
  });

  it('is measured for the leader’s word by this clock alone', () => {
    const session = SessionHarness.ready();
    session.connect(1);
    session.publish(1, 'a');
    session.pass(6);
    session.applied();
    expect(times(session)).toEqual({ stored: [1, 6] });
  });

  it('counts for the oldest change that a push brings, once for each subscriber', () => {
    const session = subscribed();
    change(session, 2, { accepted: 1, applied: 1 });
    session.pass(100);
    change(session, 3, { accepted: 2, applied: 2 });
    session.pass(100);
    change(session, 4, { accepted: 2, applied: 2 });
    // c2 was sent all three; c1 the first, until it acknowledges that.
    expect(times(session)).toMatchObject({ arrived: [3, 5], pushed: [4, 0] });
    session.pass(100);
    session.ack(1, '1.2');
    expect(times(session)).toMatchObject({ pushed: [5, 200], acked: [1, 300], total: [1, 301] });
    session.pass(10);
    session.ack(1, '1.4');
    expect(times(session)).toMatchObject({ pushed: [5, 200], acked: [2, 310], total: [2, 301 + 212] });
  });

  it('is the time until the acknowledgement also of what had to be sent again', () => {
    const session = subscribed();
    change(session, 2, { accepted: 1, applied: 1 });
    session.pass(5_000);
    expect(session.core.counts.repeatedPushes).toBe(1);
    session.ack(1, '1.2');
    expect(times(session)).toMatchObject({ pushed: [2, 0], acked: [1, 5_000], total: [1, 5_001] });
  });

  it('is the time until what was refused is made good', () => {
    const session = subscribed();
    change(session, 2, { accepted: 1, applied: 1 });
    session.pass(10);
    session.request(1, { kind: 'ack', subscriptionId: 's', version: '1.2', refused: true });
    expect(times(session)).not.toHaveProperty('acked');
    session.pass(10);
    session.ack(1, '1.2');
    expect(times(session)).toMatchObject({ pushed: [2, 0], acked: [1, 20], total: [1, 21] });
  });

  it('does not count what a subscriber is sent first, nor what changes nothing', () => {
    const session = subscribed();
    expect(times(session)).toEqual({});
    session.connect(3);
    session.subscribe(3, { acks: true });
    session.ack(3, '1.1');
    session.datum(1, [publicationOf('a')]);
    expect(times(session)).toEqual({});
  });

  it('is measured here only where the leader tells no times, or none that can be read', () => {
    const session = subscribed();
    change(session, 2);
    session.pass(20);
    session.ack(1, '1.2');
    expect(times(session)).toEqual({ pushed: [2, 0], acked: [1, 20] });
    change(session, 3, { accepted: NaN, applied: 1 });
    expect(times(session)).not.toHaveProperty('arrived');
  });
});
