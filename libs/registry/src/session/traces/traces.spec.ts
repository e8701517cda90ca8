import { DEFAULT_SWITCHES, type Publication, type Removal, type TraceApplied, type Traced, failure } from '#model';
import { SessionHarness, publicationOf, publishOf, removalOf } from '../core.harness.js';
import type { TraceReport } from './report.js';

const AHEAD_MS = 50_000;

/** c1 acknowledges, c2 does not. Both have been sent a@1 at 1.1. The clock of the data server is known to be ahead. */
function subscribed(options: Parameters<typeof SessionHarness.ready>[0] = {}): SessionHarness {
  const session = SessionHarness.ready(options);
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

interface Told {
  upserts?: Publication[];
  removals?: Removal[];
  traces?: Traced[];
}

/** A change to `to`; what is traced of it was accepted 7 ms ago and applied 3 ms ago. */
function change(session: SessionHarness, to: number, { upserts = [], removals = [], traces = [] }: Told): void {
  const there = session.nowMs + AHEAD_MS;
  const times = { acceptedAtMs: there - 7, appliedAtMs: there - 3 };
  session.fromData({
    ...{ kind: 'change', slot: 0, leaderEpoch: 1, dataInfoId: publicationOf('a').dataInfoId, complete: true },
    ...{ from: { leaderEpoch: 1, sequence: to - 1 }, to: { leaderEpoch: 1, sequence: to }, upserts, removals },
    traces: traces.map((traced) => ({ ...times, ...traced })),
  });
}

const TRACED: Traced = { traceId: 't', registerId: 'a' };

function report(session: SessionHarness, traceId = 't'): TraceReport {
  const told = session.core.traces.report(traceId);
  if (!told) throw new Error('Nothing is known of it.');
  return told;
}

/** Of each subscriber what has become of it, and what it waits for. */
function states(session: SessionHarness): string[] {
  return report(session).arrival!.subscribers.map(({ connection, state, superseded, waitsFor }) =>
    [`c${connection}`, state, ...(superseded ? ['superseded'] : []), ...(waitsFor ? [`(${waitsFor})`] : [])].join(' '),
  );
}

describe('a publication, where it is accepted,', () => {
  function published(session: SessionHarness): string {
    session.request(3, {
      kind: 'apply',
      operations: [{ ...publishOf('a'), trace: true } as ReturnType<typeof publishOf>],
    });
    return session.lastSent('operations').traces![0]!.traceId;
  }

  function applied(session: SessionHarness, traced?: TraceApplied[]): void {
    const { sequence } = session.lastSent('operations');
    const version = { leaderEpoch: 1, sequence: 2 };
    session.fromData({
      ...{ kind: 'applied', slot: 0, leaderEpoch: 1, sequence, ...(traced ? { traced } : {}) },
      results: [{ status: 'stored', stamp: [1, 1, 1], version }],
    });
  }

  it('takes its trace along, and the answer names that', () => {
    const session = subscribed();
    session.connect(3);
    const traceId = published(session);
    const acceptedAtMs = session.nowMs + AHEAD_MS;
    expect(session.lastSent('operations').traces).toEqual([{ traceId, registerId: 'a', acceptedAtMs }]);
    expect(report(session, traceId)).toEqual({
      ...{ traceId, registerId: 'a', dataInfoId: publicationOf('a').dataInfoId },
      origin: { acceptedAt: new Date(session.wallMs).toISOString(), state: 'under-way' },
    });
    session.pass(9);
    applied(session, [{ traceId, appliedAtMs: acceptedAtMs + 4, told: 2 }]);
    expect(session.effects.at(-1)).toMatchObject({
      reply: { results: [{ status: 'stored', registerId: 'a', traceId }] },
    });
    expect(report(session, traceId).origin).toMatchObject({
      ...{ state: 'stored', version: '1.2', appliedAfterMs: 4, clockErrorMs: 0, storedAfterMs: 9, told: 2 },
    });
  });

  it('is known to have been accepted only, and later that it is stored after all', () => {
    const session = subscribed();
    session.connect(3);
    const traceId = published(session);
    session.pass(1_000);
    expect(session.effects.findLast(({ type }) => type === 'reply')).toMatchObject({
      reply: { results: [{ status: 'accepted', traceId }] },
    });
    expect(report(session, traceId).origin).toMatchObject({ state: 'accepted' });
    session.pass(500);
    applied(session);
    expect(report(session, traceId).origin).toMatchObject({ state: 'stored', storedAfterMs: 1_500 });
  });

  it('is known why it was refused', () => {
    const session = subscribed();
    session.connect(3);
    const switches = { ...DEFAULT_SWITCHES, stopPush: { scope: 'none' as const }, readOnly: true };
    session.fromMeta({ kind: 'switches', version: 1, switches });
    session.request(3, {
      kind: 'apply',
      operations: [{ ...publishOf('b'), trace: true } as ReturnType<typeof publishOf>],
    });
    expect(session.effects.at(-1)).toMatchObject({ reply: { results: [{ failure: { code: 'READ_ONLY' } }] } });
    expect(session.core.traces.size).toBe(1);
  });

  it('is traced also with a lease, which is answered or refused by itself', () => {
    const session = subscribed();
    const { stamp: _, ...publication } = publicationOf('L', 1, { owner: { kind: 'leased', leaseMs: 5_000 } });
    const ask = () => session.request(0, { kind: 'leasedPublish', publication, replay: false, trace: true });
    ask();
    const { traceId } = session.lastSent('operations').traces![0]!;
    applied(session);
    expect(session.effects.at(-1)).toMatchObject({ reply: { kind: 'leased', traceId } });
    ask();
    const second = session.lastSent('operations').traces![0]!.traceId;
    session.pass(1_000);
    expect(report(session, second).origin).toMatchObject({
      state: 'failed',
      failure: failure('NO_LEADER', undefined, { retryAfterMs: 500 }),
    });
  });
});

describe('a publication, where it is subscribed to:', () => {
  it('each subscriber is told of with its times', () => {
    const session = subscribed();
    change(session, 2, { upserts: [publicationOf('a', 2)], traces: [TRACED] });
    expect(states(session)).toEqual(['c1 pushed (acknowledgement)', 'c2 pushed']);
    session.pass(20);
    session.ack(1, '1.2');
    expect(report(session)).toEqual({
      ...{ traceId: 't', registerId: 'a', dataInfoId: publicationOf('a').dataInfoId },
      arrival: {
        ...{ version: '1.2', state: 'taken', appliedAfterMs: 4, arrivedAfterMs: 7, clockErrorMs: 0 },
        counts: { pending: 0, pushed: 1, acked: 1, left: 0 },
        subscribers: [
          {
            ...{ connection: 1, address: 'c1', zone: 'z', subscriptionId: 's' },
            ...{ state: 'acked', pushedAfterMs: 0, ackedAfterMs: 20 },
          },
          { connection: 2, address: 'c2', zone: 'z', subscriptionId: 's', state: 'pushed', pushedAfterMs: 0 },
        ],
      },
    });
  });

  it('one that does not see it is not among them', () => {
    const session = subscribed();
    session.connect(3);
    session.subscribe(3, { scope: 'zone', zone: 'elsewhere' });
    change(session, 2, { upserts: [publicationOf('a', 2)], traces: [TRACED] });
    expect(states(session)).toHaveLength(2);
    change(session, 3, { removals: [removalOf('a', 3)], traces: [{ ...TRACED, traceId: 'gone' }] });
    expect(report(session, 'gone').arrival!.subscribers.map(({ connection }) => connection)).toEqual([1, 2]);
  });

  it('what keeps a push back is named', () => {
    const session = subscribed();
    change(session, 2, { upserts: [publicationOf('b')] });
    session.pass(10);
    session.do({ type: 'clientBackedUp', connection: 2, isBackedUp: true });
    change(session, 3, { upserts: [publicationOf('a', 2)], traces: [TRACED] });
    expect(states(session)).toEqual(['c1 pending (earlier-push)', 'c2 pending (slow-reader)']);
    session.do({ type: 'clientBackedUp', connection: 2, isBackedUp: false });
    expect(states(session)).toEqual(['c1 pending (earlier-push)', 'c2 pushed']);
    const stopPush = { scope: 'all' as const };
    session.fromMeta({ kind: 'switches', version: 1, switches: { ...DEFAULT_SWITCHES, stopPush, readOnly: false } });
    session.ack(1, '1.2');
    expect(states(session)).toEqual(['c1 pending (push-stop)', 'c2 pushed']);
    session.fromMeta({
      kind: 'switches',
      version: 2,
      switches: { ...DEFAULT_SWITCHES, stopPush: { scope: 'none' }, readOnly: false },
    });
    expect(states(session)).toEqual(['c1 pushed (acknowledgement)', 'c2 pushed']);
  });

  it('that changes are merged is named, and that a client has stopped acknowledging', () => {
    const session = subscribed();
    for (let i = 0; i < 200; i++) session.subscribe(2, {}, `s${i}`);
    session.pass(100);
    change(session, 2, { upserts: [publicationOf('b')] });
    change(session, 3, { upserts: [publicationOf('a', 2)], traces: [TRACED] });
    expect(states(session).slice(0, 2)).toEqual(['c1 pending (earlier-push)', 'c2 pending (merge-window)']);
    session.pass(60_000);
    change(session, 4, { upserts: [publicationOf('a', 3)], traces: [{ ...TRACED, traceId: 'later' }] });
    expect(report(session, 'later').arrival!.subscribers[0]).toMatchObject({ waitsFor: 'circuit-open' });
  });

  it('a later word about the same supersedes it, before it was pushed', () => {
    const session = subscribed();
    change(session, 2, { upserts: [publicationOf('b')] });
    session.pass(10);
    change(session, 3, { upserts: [publicationOf('a', 2)], traces: [TRACED] });
    session.pass(10);
    change(session, 4, { upserts: [publicationOf('a', 3)] });
    session.ack(1, '1.2');
    session.pass(10);
    session.ack(1, '1.4');
    expect(states(session)).toEqual(['c1 acked superseded', 'c2 pushed']);
    change(session, 5, {
      upserts: [publicationOf('a', 4)],
      traces: [{ ...TRACED, traceId: 'merged', superseded: true }],
    });
    expect(report(session, 'merged').arrival!.subscribers[0]).toMatchObject({ superseded: true });
  });

  it('who goes has left, and what it has acknowledged stays known', () => {
    const session = subscribed();
    change(session, 2, { upserts: [publicationOf('a', 2)], traces: [TRACED] });
    session.request(1, { kind: 'unsubscribe', subscriptionId: 's' });
    session.disconnect(2);
    expect(states(session)).toEqual(['c1 left', 'c2 pushed']);
  });

  it('what comes while the datum is asked for anew is followed from the answer on', () => {
    const session = subscribed();
    change(session, 9, { upserts: [publicationOf('a', 2)], traces: [TRACED] });
    change(session, 10, { upserts: [publicationOf('c')], traces: [{ traceId: 'u', registerId: 'c' }] });
    expect(report(session).arrival).toMatchObject({ state: 'awaited', subscribers: [] });
    session.datum(10, [publicationOf('a', 2)]);
    expect(states(session)).toEqual(['c1 pushed (acknowledgement)', 'c2 pushed']);
    expect(report(session, 'u').arrival).toMatchObject({ state: 'known', subscribers: [] });
    change(session, 5, { upserts: [publicationOf('a', 2)], traces: [{ ...TRACED, traceId: 'old' }] });
    expect(report(session, 'old').arrival).toMatchObject({ state: 'known', subscribers: [] });
  });

  it('times that cannot be read are left out', () => {
    const session = subscribed();
    change(session, 2, {
      upserts: [publicationOf('a', 2)],
      traces: [{ ...TRACED, acceptedAtMs: 'now' as unknown as number, appliedAtMs: NaN }],
    });
    expect(report(session).arrival).not.toHaveProperty('arrivedAfterMs');
    expect(states(session)).toHaveLength(2);
  });
});

describe('what is kept of traces', () => {
  it('is of the latest, for some minutes', () => {
    const session = subscribed();
    for (let i = 0; i < 201; i++)
      change(session, i + 2, { upserts: [publicationOf('a', i + 2)], traces: [{ ...TRACED, traceId: `t${i}` }] });
    expect(session.core.traces.size).toBe(200);
    expect(session.core.traces.report('t0')).toBeUndefined();
    expect(report(session, 't200').arrival!.version).toBe('1.202');
    session.pass(10 * 60_000);
    expect(session.core.traces.report('t200')).toBeUndefined();
    expect(session.core.traces.size).toBe(0);
    session.ack(1, '1.202');
  });

  it('lists a bounded number of subscribers, and counts the others', () => {
    const session = subscribed();
    for (let i = 0; i < 1_010; i++) session.subscribe(2, {}, `s${i}`);
    change(session, 2, { upserts: [publicationOf('a', 2)], traces: [TRACED] });
    expect(report(session).arrival).toMatchObject({ subscribers: { length: 1_000 }, more: 12 });
  });
});
