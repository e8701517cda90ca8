import { SessionHarness } from './core.harness.js';
import { RETURNS_MOST_MS, RETURNS_WINDOW_MS, SESSION_LIMITS } from './limits.js';

const RETURNS_MANY = SESSION_LIMITS.returnsMany;

/** So many clients come, with these numbers; each publishes right behind its hello. */
function come(session: SessionHarness, first: number, count: number, before: { clusterId?: string } = {}): void {
  for (let id = first; id < first + count; id++) {
    session.connect(id);
    session.request(id, { kind: 'hello', appName: '', zone: 'z', ...before });
    session.publish(id, `p${id}`);
  }
}

/** They have been served before. */
function comeBack(session: SessionHarness, first: number, count: number): void {
  come(session, first, count, { clusterId: 'c1' });
}

/** The registerIds that the leader has been told since the last call, a list each message. */
function told(session: SessionHarness): string[][] {
  return session
    .transcript()
    .filter((line) => line.startsWith('d1 <- operations'))
    .map((line) => [...line.matchAll(/\+(\w+)@/g)].map((match) => match[1]!));
}

const names = (first: number, count: number): string[] => Array.from({ length: count }, (_, i) => `p${first + i}`);
const FEW = RETURNS_MANY - 1;

describe('what returning clients bring', () => {
  it('is told at once while they are few', () => {
    const session = SessionHarness.ready();
    comeBack(session, 1, FEW);
    expect(told(session)).toEqual(names(1, FEW).map((name) => [name]));
  });

  it('is told together once no more come, when they are many', () => {
    const session = SessionHarness.ready();
    comeBack(session, 1, FEW);
    expect(told(session)).toHaveLength(FEW);
    comeBack(session, 100, 30);
    session.pass(RETURNS_WINDOW_MS);
    expect(told(session)).toEqual([]);
    session.pass(RETURNS_WINDOW_MS);
    expect(told(session)).toEqual([names(100, 30)]);
    session.pass(10 * RETURNS_MOST_MS);
    expect(told(session)).toEqual([]);
  });

  it('waits no longer than a bounded time, however many come', () => {
    const session = SessionHarness.ready();
    comeBack(session, 1, RETURNS_MANY);
    expect(told(session)).toHaveLength(FEW);
    for (let waitedMs = RETURNS_WINDOW_MS; waitedMs < RETURNS_MOST_MS; waitedMs += RETURNS_WINDOW_MS) {
      session.pass(RETURNS_WINDOW_MS);
      comeBack(session, 100 * waitedMs, RETURNS_MANY);
      expect(told(session)).toEqual([]);
    }
    session.pass(RETURNS_WINDOW_MS);
    expect(told(session)[0]).toContain(`p${RETURNS_MANY}`);
  });

  it('goes behind what they ask for', () => {
    const session = SessionHarness.ready();
    comeBack(session, 1, RETURNS_MANY);
    session.transcript();
    session.subscribe(1);
    expect(session.transcript()).toEqual(['d1 <- interest d', 'c1 <- done']);
    session.pass(RETURNS_MOST_MS);
    expect(told(session)).toEqual([[`p${RETURNS_MANY}`]]);
  });

  it('is told in order with what is changed at once, where a slot has both', () => {
    const session = SessionHarness.ready();
    session.connect(999);
    comeBack(session, 1, RETURNS_MANY + 2);
    expect(told(session)).toHaveLength(FEW);
    session.publish(999, 'changed');
    expect(told(session)).toEqual([[...names(RETURNS_MANY, 3), 'changed']]);
    session.pass(RETURNS_MOST_MS);
    expect(told(session)).toEqual([]);
  });

  it('is no longer what they change when they have been back for some time', () => {
    const session = SessionHarness.ready();
    comeBack(session, 1, RETURNS_MANY);
    session.pass(RETURNS_MOST_MS + 1);
    comeBack(session, 100, RETURNS_MANY);
    session.transcript();
    session.publish(1, 'p1', 2);
    expect(told(session).flat()).toContain('p1');
  });

  it('is told by the digest when the leader is lost meanwhile', () => {
    const session = SessionHarness.ready();
    comeBack(session, 1, RETURNS_MANY);
    session.dataDown();
    session.transcript();
    session.dataUp('d1');
    expect(session.transcript().join('\n')).toMatch(new RegExp(`digest.* p${RETURNS_MANY}@1`));
  });

  it('is not what clients publish that are new, however many', () => {
    const session = SessionHarness.ready();
    come(session, 1, 3 * RETURNS_MANY);
    expect(told(session)).toHaveLength(3 * RETURNS_MANY);
  });
});
