import type { SessionLimits } from './contract.js';
import { SessionHarness, withOthers } from './core.harness.js';
import { SESSION_LIMITS } from './limits.js';

const { graceMs, massGraceMs } = SESSION_LIMITS;
const MANY = 5;
const hello = { kind: 'hello' as const, appName: '', zone: 'z' };
const ids = (first: number, count: number): number[] => Array.from({ length: count }, (_, i) => first + i);

/** So many clients, each of which has published. */
function serving(count: number, limits: Partial<SessionLimits> = {}): SessionHarness {
  const session = SessionHarness.ready({ limits: { lossesMany: MANY, ...limits } });
  for (const id of ids(1, count)) {
    session.connect(id);
    session.request(id, hello);
    session.publish(id, `p${id}`);
    session.applied();
  }
  session.transcript();
  return session;
}

/** Those whose publications were taken away since the last call. */
function removed(session: SessionHarness): string[] {
  return session
    .transcript()
    .flatMap((line) => [...line.matchAll(/-(\w+)@\d+\(grace-expired\)/g)].map(([, id]) => id!));
}

function warnings(session: SessionHarness): unknown[] {
  return session.effects.flatMap((effect) =>
    effect.type === 'log' && effect.event === 'clients-lost' ? [effect.fields] : [],
  );
}

describe('what clients have published who are lost', () => {
  it('goes after the usual grace where few are lost', () => {
    const session = serving(10);
    for (const id of ids(1, MANY)) session.disconnect(id);
    session.pass(graceMs);
    expect(removed(session)).toHaveLength(MANY);
    expect(warnings(session)).toEqual([]);
  });

  it('goes after the usual grace where they are a small part of all', () => {
    const session = serving(40);
    for (const id of ids(1, 12)) session.disconnect(id);
    session.pass(graceMs);
    expect(removed(session)).toHaveLength(12);
    expect(warnings(session)).toEqual([]);
  });

  it('stays for longer where many are lost at about the same time, of the first of them too, and goes in the end', () => {
    const session = serving(10);
    for (const id of ids(1, 7)) {
      session.disconnect(id);
      session.pass(400);
    }
    session.pass(massGraceMs - 7 * 400 - 1);
    expect(removed(session)).toEqual([]);
    session.pass(7 * 400 + 1);
    expect(removed(session).toSorted()).toEqual(ids(1, 7).map((id) => `p${id}`));
    expect(warnings(session)).toEqual([{ lost: MANY + 1, left: 4, graceMs: massGraceMs }]);
  });

  it('is not taken from who has come back meanwhile', () => {
    const session = serving(10);
    for (const id of ids(1, 8)) session.disconnect(id);
    session.pass(massGraceMs - 1_000);
    for (const id of ids(1, 5)) {
      session.connect(100 + id);
      session.request(100 + id, { ...hello, clusterId: 'cluster' });
      session.publish(100 + id, `p${id}`, 2);
    }
    session.pass(2_000);
    expect(removed(session).toSorted()).toEqual(['p6', 'p7', 'p8']);
  });

  it('goes after the usual grace again where somebody is lost later', () => {
    const session = serving(20);
    for (const id of ids(1, 8)) session.disconnect(id);
    session.pass(4_000);
    session.disconnect(9);
    session.pass(graceMs);
    expect(removed(session)).toEqual(['p9']);
  });

  it('is said once of each time in which many are lost', () => {
    const session = serving(40);
    for (const id of ids(1, 15)) session.disconnect(id);
    session.pass(10_000);
    for (const id of ids(16, 10)) session.disconnect(id);
    expect(warnings(session)).toMatchObject([{ left: 27 }, { left: 17 }]);
  });

  it('goes after the usual grace where that is to be so however many are lost', () => {
    const session = serving(20, { massGraceMs: 0 });
    for (const id of ids(1, 15)) session.disconnect(id);
    session.pass(graceMs);
    expect(removed(session)).toHaveLength(15);
    expect(warnings(session)).toEqual([]);
  });

  it('is not affected by those who have been asked to go', () => {
    const session = serving(20);
    session.table(withOthers(2, 's2:1'));
    session.do({ type: 'drain', leaving: [] });
    session.pass(1_000);
    expect(session.transcript()).toContain('c20 <- move');
    for (const id of ids(1, 20)) session.disconnect(id);
    expect(warnings(session)).toEqual([]);
  });

  it('is not affected by those who say goodbye', () => {
    const session = serving(20);
    for (const id of ids(1, 12)) {
      session.request(id, { kind: 'goodbye' });
      session.disconnect(id);
    }
    session.disconnect(13);
    session.transcript();
    session.pass(graceMs);
    expect(removed(session)).toEqual(['p13']);
    expect(warnings(session)).toEqual([]);
  });
});
