import { missingOf } from '#model';
import type { SessionLimits } from './contract.js';
import { SessionHarness, publicationOf, withOthers } from './core.harness.js';

/** So many clients with a publication each, and another session server unless said otherwise. */
function serving(clients: number, limits: Partial<SessionLimits> = {}, ...others: string[]): SessionHarness {
  const session = SessionHarness.ready({ limits });
  session.table(withOthers(2, ...others));
  for (let id = 1; id <= clients; id++) {
    greet(session, id);
    session.publish(id, `r${id}`);
    session.applied();
  }
  session.transcript();
  return session;
}

function greet(session: SessionHarness, id: number): void {
  session.connect(id);
  session.request(id, { kind: 'hello', appName: '', zone: 'z' });
}

function drain(session: SessionHarness, ...leaving: string[]): void {
  session.do({ type: 'drain', leaving });
}

/** Who has been asked to go. */
function asked(session: SessionHarness): number[] {
  return session.effects.flatMap((effect) =>
    effect.type === 'notice' && effect.notice.type === 'move' ? [effect.connection] : [],
  );
}

const isDrained = (session: SessionHarness): boolean => session.effects.some(({ type }) => type === 'drained');

const limits = { movesPerSecond: 100, drainMs: 5_000 };

describe('a session server that is drained', () => {
  it('is not ready from the first moment, and tells clients only of servers that stay', () => {
    const session = serving(1, limits, 's2:1', 's3:1');
    drain(session, 's3:1');
    expect(missingOf(session.core.checks())).toMatch(/clients to go elsewhere/);
    const told = session.effects.findLast((effect) => effect.type === 'notice' && effect.notice.type === 'servers');
    expect(told).toMatchObject({ connection: 1, notice: { sessions: ['s2:1'] } });
  });

  it('asks its clients to go in waves, each of them once, so many in a second and all within the time', () => {
    const session = serving(250, limits, 's2:1');
    drain(session);
    expect(asked(session)).toHaveLength(10);
    session.pass(1_000);
    expect(asked(session).length).toBeLessThanOrEqual(110);
    session.pass(2_000);
    expect(new Set(asked(session)).size).toBe(250);
    expect(asked(session)).toHaveLength(250);
    expect(session.core.drainStatus()).toEqual({
      draining: true,
      clients: 250,
      untold: 0,
      elsewhere: 1,
      safeToStop: false,
    });
  });

  it('is drained when they are gone, also the last who cannot be asked, and they are cut off', () => {
    const session = serving(2, limits, 's2:1');
    session.connect(7);
    session.subscribe(7);
    session.transcript();
    drain(session);
    expect(session.transcript().filter((line) => !line.startsWith('d1'))).toEqual([
      ...['c1 <- servers', 'c2 <- servers', 'c1 <- move', 'c2 <- move', 'close c7'],
    ]);
    for (const id of [1, 2]) session.disconnect(id);
    session.pass(200);
    expect(isDrained(session)).toBe(false);
    session.disconnect(7);
    session.pass(200);
    expect(isDrained(session)).toBe(true);
    expect(session.core.drainStatus()).toMatchObject({ clients: 0, safeToStop: true });
  });

  it('stops waiting after its time, whoever is left', () => {
    const session = serving(3, limits, 's2:1');
    drain(session);
    session.pass(4_999);
    expect(isDrained(session)).toBe(false);
    session.pass(1);
    expect(isDrained(session)).toBe(true);
  });

  it('refuses whoever comes, and cuts off who stays all the same, but answers what needs no connection', () => {
    const session = serving(1, limits, 's2:1');
    drain(session);
    session.transcript();
    greet(session, 8);
    session.connect(9);
    session.publish(9, 'x');
    session.subscribe(9);
    expect(session.transcript()).toEqual(['c8 <- SHUTTING_DOWN', 'c9 <- SHUTTING_DOWN', 'c9 <- SHUTTING_DOWN']);
    const refusal = session.effects.findLast((effect) => effect.type === 'fail');
    expect(refusal).toMatchObject({ failure: { code: 'SHUTTING_DOWN', retryAfterMs: 5_000 } });
    session.pass(200);
    expect(session.transcript()).toEqual(expect.arrayContaining(['close c8', 'close c9']));
    session.query();
    const { slot, leaderEpoch, dataInfoId, requestId } = session.lastSent('fetch');
    const version = { leaderEpoch, sequence: 1 };
    const publications = [publicationOf('a')];
    session.fromData({
      kind: 'datum',
      slot,
      leaderEpoch,
      dataInfoId,
      version,
      complete: true,
      publications,
      requestId,
    });
    expect(session.transcript()).toEqual(['d1 <- fetch d', 'c0 <- snapshot 1.1 a=1']);
  });

  it('goes on serving those who have not gone yet', () => {
    const session = serving(1, limits, 's2:1');
    drain(session);
    session.publish(1, 'r1', 2);
    session.applied();
    expect(session.transcript()).toContain('c1 <- stored r1 1.1');
  });

  it('keeps for longer than the grace what those published who went, and takes it from the dead in the end', () => {
    const session = serving(2, { ...limits, movesPerSecond: 10, graceMs: 3_000 }, 's2:1');
    drain(session);
    expect(asked(session)).toEqual([1]);
    session.disconnect(1);
    session.transcript();
    session.pass(7_900);
    expect(session.transcript().filter((line) => line.startsWith('d1 <- operations'))).toEqual([]);
    session.pass(200);
    expect(session.transcript()).toContain('d1 <- operations -r1@1(grace-expired)');
  });

  it('takes nobody from a server without another to go to, and is done at once', () => {
    const session = serving(3, limits);
    drain(session);
    expect(isDrained(session)).toBe(true);
    greet(session, 8);
    session.pass(60_000);
    expect(asked(session)).toEqual([]);
    expect(session.transcript()).toContain('c8 <- welcome');
  });

  it('lets those stay, and takes those back, whom it could send to nobody any more', () => {
    const session = serving(30, limits, 's2:1');
    drain(session);
    session.table(withOthers(3));
    session.pass(3_000);
    expect(asked(session)).toHaveLength(10);
    greet(session, 40);
    expect(session.transcript()).toContain('c40 <- welcome');
    session.table(withOthers(4, 's3:1'));
    session.pass(500);
    expect(asked(session)).toContain(40);
  });

  it('can be undone', () => {
    const session = serving(30, limits, 's2:1');
    drain(session);
    session.do({ type: 'undrain' });
    session.pass(10_000);
    expect(asked(session)).toHaveLength(10);
    expect(isDrained(session)).toBe(false);
    expect(missingOf(session.core.checks())).toBeUndefined();
    greet(session, 40);
    expect(session.transcript()).toContain('c40 <- welcome');
    const told = session.effects.findLast((effect) => effect.type === 'notice' && effect.notice.type === 'servers');
    expect(told).toMatchObject({ notice: { sessions: ['s1:1', 's2:1'] } });
    drain(session);
    session.pass(10_000);
    expect(isDrained(session)).toBe(true);
  });

  it('is drained still when it goes on as another incarnation', () => {
    const session = SessionHarness.ready({ draining: true });
    expect(missingOf(session.core.checks())).toMatch(/clients to go elsewhere/);
    session.table(withOthers(2, 's2:1'));
    greet(session, 1);
    expect(session.transcript()).toContain('c1 <- SHUTTING_DOWN');
  });
});
