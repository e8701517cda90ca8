import { LIMITS, type Notice, type RoutingTable } from '#model';
import type { SessionLimits } from './contract.js';
import { SessionHarness, withOthers } from './core.harness.js';

const tableWith = (epoch: number, addresses: string[]): RoutingTable => withOthers(epoch, ...addresses);

function serving(clients: number, limits: Partial<SessionLimits> = {}): SessionHarness {
  const session = SessionHarness.ready({ limits });
  greet(session, 1, clients);
  return session;
}

function greet(session: SessionHarness, first: number, last: number): void {
  for (let id = first; id <= last; id++) {
    session.connect(id);
    session.request(id, { kind: 'hello', appName: '', zone: 'z' });
  }
}

function told(session: SessionHarness, connection?: number): Extract<Notice, { type: 'servers' }>[] {
  return session.effects.flatMap((effect) =>
    effect.type === 'notice' &&
    effect.notice.type === 'servers' &&
    (connection === undefined || effect.connection === connection)
      ? [effect.notice]
      : [],
  );
}

function welcome(session: SessionHarness): Extract<Notice, { type: 'welcome' }> {
  const found = session.effects.findLast((effect) => effect.type === 'notice' && effect.notice.type === 'welcome');
  return (found as { notice: Extract<Notice, { type: 'welcome' }> }).notice;
}

describe('clients are told of other session servers', () => {
  it('in the welcome, and when there are others, and only then', () => {
    const session = serving(2);
    session.connect(7);
    session.table(tableWith(2, ['s2:1']));
    expect(told(session).map(({ sessions }) => sessions)).toEqual([
      ['s1:1', 's2:1'],
      ['s1:1', 's2:1'],
    ]);
    expect(told(session, 7)).toEqual([]);
    session.table({ ...tableWith(3, ['s2:1']), departed: [{ role: 'data', incarnation: 'x', cause: 'left' }] });
    expect(told(session)).toHaveLength(2);
    greet(session, 3, 3);
    expect(welcome(session).sessions).toEqual(['s1:1', 's2:1']);
  });

  it('a few hundred at a time, each of the newest, and nobody who has gone', () => {
    const session = serving(1_200, { spreadPerConnectionMs: 0 });
    session.table(tableWith(2, ['s2:1']));
    expect(told(session)).toHaveLength(500);
    session.disconnect(1_200);
    session.table(tableWith(3, ['s2:1', 's3:1']));
    session.pass(200);
    for (const connection of [1, 600, 1_199]) expect(told(session, connection).at(-1)!.sessions).toContain('s3:1');
    expect(told(session, 600)).toHaveLength(1);
    expect(told(session, 1_200)).toEqual([]);
    const count = told(session).length;
    session.pass(5_000);
    expect(told(session)).toHaveLength(count);
  });

  it('of a bounded number, this one first', () => {
    const many = Array.from({ length: 1_000 }, (_, i) => `a${i}:1`);
    const session = serving(1);
    session.table(tableWith(2, many));
    const { sessions } = told(session)[0]!;
    expect(sessions).toHaveLength(LIMITS.sessionsTold);
    expect(new Set(sessions).size).toBe(LIMITS.sessionsTold);
    expect(sessions[0]).toBe('s1:1');
  });
});

describe('the spread that clients are told', () => {
  it('grows with their number, and those who were told of half as much hear of it', () => {
    const session = serving(2_000);
    expect(welcome(session).reconnectSpreadMs).toBeGreaterThanOrEqual(250);
    // Not while others still come, and once for all of them.
    session.pass(1_900);
    expect(told(session)).toEqual([]);
    session.pass(1_100);
    const ofFirst = told(session, 1).map(({ reconnectSpreadMs }) => reconnectSpreadMs);
    expect(ofFirst).toEqual([welcome(session).reconnectSpreadMs]);
    for (let id = 100; id <= 2_000; id++) session.disconnect(id);
    greet(session, 3_000, 3_000);
    expect(welcome(session).reconnectSpreadMs).toBeLessThan(100);
  });

  it('never outlasts the grace in which their publications wait', () => {
    const mostOf = (limits: Partial<SessionLimits>): number => {
      const session = serving(50, { spreadPerConnectionMs: 1_000, ...limits });
      return welcome(session).reconnectSpreadMs!;
    };
    expect(mostOf({})).toBe(1_000);
    expect(mostOf({ reconnectSpreadMs: 400 })).toBe(400);
    expect(mostOf({ graceMs: 2_500 })).toBe(500);
    expect(mostOf({ graceMs: 1_000 })).toBe(0);
  });
});
