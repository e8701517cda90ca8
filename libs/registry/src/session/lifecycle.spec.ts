import { failure } from '#model';
import { SessionHarness, publicationOf, tableOf, withOthers } from './core.harness.js';

const hello = { kind: 'hello' as const, appName: 'app', zone: 'z' };

describe('hello', () => {
  it('is answered with what a client needs to know', () => {
    const session = SessionHarness.ready();
    session.connect(1);
    session.request(1, hello);
    expect(session.effects.at(-2)).toEqual({
      type: 'notice',
      connection: 1,
      notice: {
        type: 'welcome',
        protocol: 1,
        clusterId: 'cluster',
        session: 's1',
        zone: hello.zone,
        dataCenter: 'DEFAULT_DATA_CENTER',
        heartbeatMs: 3_000,
        idleTimeoutMs: 10_000,
        sessions: ['s1:1'],
        reconnectSpreadMs: 0,
      },
    });
    expect(session.transcript()).toEqual(['c1 <- welcome', 'c1 <- done']);
  });

  it('waits for the first table, up to a deadline', () => {
    const session = new SessionHarness().joined();
    session.connect(1, 2);
    session.request(1, hello);
    session.pass(1_500);
    session.request(2, hello);
    session.table(tableOf(1));
    expect(session.transcript().filter((line) => line.startsWith('c'))).toEqual([
      'c1 <- NOT_READY',
      'c2 <- welcome',
      'c2 <- done',
    ]);
  });

  it('comes before anything else can be served', () => {
    const session = new SessionHarness().joined();
    session.connect(1);
    session.publish(1, 'a');
    session.subscribe(1);
    session.query();
    session.request(1, { kind: 'heartbeat' });
    expect(session.transcript()).toEqual(['c1 <- NOT_READY', 'c1 <- NOT_READY', 'c0 <- NOT_READY', 'c1 <- done']);
  });
});

describe('a silent client', () => {
  it('is closed if it has said that it heartbeats', () => {
    const session = SessionHarness.ready();
    session.connect(1, 2);
    session.request(1, hello);
    session.pass(9_000);
    session.request(1, { kind: 'heartbeat' });
    session.transcript();
    session.pass(9_999);
    expect(session.transcript()).toEqual([]);
    session.pass(1);
    expect(session.transcript()).toEqual(['close c1']);
  });

  it('is not silent as long as it acknowledges, or is heard otherwise without a request', () => {
    const session = SessionHarness.ready();
    session.connect(1);
    session.request(1, hello);
    session.transcript();
    for (let i = 0; i < 5; i++) {
      session.pass(9_000);
      session.do({ type: 'heard', connection: 1 });
      session.pass(9_000);
      session.do({ type: 'acked', connection: 1, subscriptionId: 'none', version: '1.1', refused: false });
    }
    session.do({ type: 'heard', connection: 2 });
    expect(session.transcript()).toEqual([]);
    session.pass(10_000);
    expect(session.transcript()).toEqual(['close c1']);
  });

  it('is not blamed for the standing still of the server', () => {
    const session = SessionHarness.ready();
    session.connect(1);
    session.request(1, hello);
    session.transcript();
    session.stall(60_000);
    session.pass(5_000);
    expect(session.transcript()).toEqual([]);
  });
});

describe('the incarnation', () => {
  it('begins with the table saved, before meta is found', () => {
    const session = new SessionHarness({ table: tableOf(1) });
    session.do({ type: 'start' });
    session.dataUp('d1');
    expect(session.transcript()).toEqual(['dial d1:1', 'dial m:1', 'd1 <- digest']);
    expect(session.core.clusterId).toBe('cluster');
  });

  it('saves every newer table, and takes no older one', () => {
    const session = SessionHarness.ready();
    session.table(tableOf(3, 'd2', 2));
    session.table(tableOf(2, 'd1', 1));
    const saved = session.effects.filter((effect) => effect.type === 'saveTable');
    expect(saved.map((effect) => effect.table.epoch)).toEqual([1, 3]);
    session.dataUp('d2');
    expect(session.lastSent('digest').leaderEpoch).toBe(2);
  });

  it('ends when meta does not know it any more: clients move, and the host begins anew', () => {
    const session = SessionHarness.ready();
    session.connect(1);
    session.publish(1, 'a');
    session.transcript();
    session.fromMeta({ kind: 'refused', failure: failure('NOT_MEMBER') });
    expect(session.transcript()).toEqual(['hang up 1', 'c1 <- move', 'c1 <- SHUTTING_DOWN', 'restart']);
    session.publish(1, 'b');
    expect(session.transcript()).toEqual([]);
  });

  it('ends when a leader that meta believes alive does not answer for too long', () => {
    const session = SessionHarness.ready();
    session.connect(1);
    session.publish(1, 'a');
    session.pass(7_900);
    expect(session.transcript()).not.toContainEqual('restart');
    session.pass(2_000);
    expect(session.transcript().slice(-2)).toEqual(['c1 <- move', 'restart']);
  });

  it('goes on while a leader that owes it nothing is silent, and while no leader is named', () => {
    const session = SessionHarness.ready();
    session.pass(60_000);
    session.table(tableOf(2, null, 1));
    session.connect(1);
    session.publish(1, 'a');
    session.pass(60_000);
    expect(session.transcript()).toEqual(['hang up d1', 'c1 <- accepted a']);
  });

  it('goes on while the leader is dead and nobody can take over: the table names it, but not as a member', () => {
    const session = SessionHarness.ready();
    session.connect(1);
    session.publish(1, 'a');
    session.dataDown();
    const table = tableOf(2);
    session.table({ ...table, members: table.members.filter(({ role }) => role === 'session') });
    session.pass(60_000);
    expect(session.transcript()).not.toContainEqual('restart');
    expect(session.core.counts.publishers).toBe(1);
  });

  it('goes on while meta cannot say whether the leader lives', () => {
    const session = SessionHarness.ready();
    session.do({ type: 'linkDown', link: 1 });
    session.dataDown();
    for (let i = 0; i < 30; i++) {
      session.pass(1_000);
      session.do({ type: 'dialFailed', address: 'm:1', reason: 'refused', message: '' });
      session.do({ type: 'dialFailed', address: 'd1:1', reason: 'refused', message: '' });
    }
    expect(session.transcript()).not.toContainEqual('restart');
  });

  it('takes nobody along when it is told to stop', () => {
    const session = SessionHarness.ready();
    session.connect(1);
    session.publish(1, 'a');
    session.subscribe(1);
    session.datum(1, [publicationOf('a')]);
    session.table(withOthers(2, 's2:1'));
    session.transcript();
    session.do({ type: 'stop' });
    expect(session.effects.slice(-3)).toMatchObject([
      { type: 'notice', notice: { type: 'move' } },
      { type: 'fail', failure: { code: 'SHUTTING_DOWN' } },
      { type: 'send', message: { kind: 'leave' } },
    ]);
    session.transcript();
    session.publish(1, 'b');
    session.disconnect(1);
    session.pass(60_000);
    expect(session.transcript()).toEqual(['c1 <- SHUTTING_DOWN', 'd1 <- disinterest d']);
  });

  it('sends nobody away when it is told to stop and there is no other', () => {
    const session = SessionHarness.ready();
    session.connect(1);
    session.publish(1, 'a');
    session.transcript();
    session.do({ type: 'stop' });
    expect(session.transcript()).toEqual(['c1 <- SHUTTING_DOWN']);
  });

  it('is ready once every slot was reconciled, and stays so', () => {
    const session = new SessionHarness();
    const missing = (): (string | undefined)[] => session.core.checks().map(({ waitingFor }) => waitingFor);
    session.joined();
    expect(session.core.checks().map(({ name }) => name)).toEqual(['admission', 'table', 'slots']);
    expect(missing()).toEqual([undefined, 'a meta server', 'the table of slots']);
    session.table(tableOf(1, null, 0));
    expect(missing()).toEqual([undefined, undefined, 'data servers, for 1 slots']);
    session.table(tableOf(2));
    session.dataUp('d1');
    expect(missing()).toEqual([undefined, undefined, 'the leaders of 1 slots']);
    session.reconcile();
    expect(missing()).toEqual([undefined, undefined, undefined]);
    session.dataDown();
    expect(missing()).toEqual([undefined, undefined, undefined]);
    expect(session.core.cluster).toEqual({ joined: true, tableEpoch: 2, slots: 1, slotsReconciled: 0 });
  });
});
