import { seededRandom } from '#model';
import type { SessionLimits } from './contract.js';
import { SessionHarness } from './core.harness.js';

const server = (limits: Partial<SessionLimits>): SessionHarness => SessionHarness.ready({ limits });

let address = '10.0.0.1';

function greet(session: SessionHarness, id: number, waited = false): void {
  session.do({ type: 'clientConnected', connection: id, address });
  session.request(id, { kind: 'hello', appName: '', zone: 'z', ...(waited ? { waited: true } : {}) });
}

/** What the connection was last answered: `done`, or the failure. */
function answer(session: SessionHarness, id: number): { code: string; retryAfterMs?: number } {
  const found = session.effects.findLast(
    (effect) => (effect.type === 'reply' || effect.type === 'fail') && effect.connection === id,
  );
  return found?.type === 'fail' ? found.failure : { code: 'done' };
}

const codes = (session: SessionHarness, ...ids: number[]): string[] => ids.map((id) => answer(session, id).code);

beforeEach(() => {
  address = '10.0.0.1';
});

describe('the limits of clients', () => {
  it('are those of the server, and whoever leaves makes room', () => {
    const session = server({ maxConnections: 2 });
    for (const id of [1, 2, 3]) greet(session, id);
    expect(codes(session, 1, 2, 3)).toEqual(['done', 'done', 'OVERLOADED']);
    expect(answer(session, 3).retryAfterMs).toBe(1_000);
    session.disconnect(1);
    greet(session, 4);
    expect(codes(session, 4)).toEqual(['done']);
    expect(session.core.counts.refused).toEqual({ draining: 0, full: 1, address: 0, rate: 0 });
  });

  it('are those of one address, and nobody else suffers from them', () => {
    const session = server({ maxConnectionsPerAddress: 1 });
    for (const id of [1, 2]) greet(session, id);
    address = '10.0.0.2';
    greet(session, 3);
    expect(codes(session, 1, 2, 3)).toEqual(['done', 'TOO_MANY_CONNECTIONS', 'done']);
    address = '10.0.0.1';
    session.disconnect(1);
    greet(session, 4);
    expect(codes(session, 4)).toEqual(['done']);
    expect(session.core.counts.refused).toMatchObject({ address: 1 });
  });

  it('hold for what comes right behind a hello that was refused, which counts once', () => {
    const session = server({ maxConnections: 1 });
    greet(session, 1);
    greet(session, 2);
    session.disconnect(1);
    session.publish(2, 'a');
    expect(codes(session, 2)).toEqual(['OVERLOADED']);
    expect(session.core.counts.publishers).toBe(0);
    expect(session.core.counts.refused).toMatchObject({ full: 1 });
    session.request(2, { kind: 'hello', appName: '', zone: 'z', waited: true });
    session.publish(2, 'a');
    expect(session.core.counts.publishers).toBe(1);
  });

  it('hold for who says no hello too, once it publishes or subscribes, and not for who only asks', () => {
    const session = server({ maxConnections: 1 });
    session.connect(1, 2);
    session.subscribe(1);
    session.request(2, { kind: 'heartbeat' });
    session.publish(2, 'a');
    expect(codes(session, 2)).toEqual(['OVERLOADED']);
    session.pass(99);
    expect(session.transcript()).not.toContain('close c2');
    session.pass(1);
    expect(session.transcript()).toContain('close c2');
    session.query();
    expect(session.transcript()).toEqual(['d1 <- fetch d']);
  });

  it('count a connection once, whatever it asks for', () => {
    const session = server({ maxConnections: 2 });
    greet(session, 1);
    greet(session, 1);
    session.publish(1, 'a');
    session.subscribe(1);
    greet(session, 2);
    expect(codes(session, 2)).toEqual(['done']);
    session.disconnect(1);
    session.disconnect(2);
    for (const id of [3, 4, 5]) greet(session, id);
    expect(codes(session, 3, 4, 5)).toEqual(['done', 'done', 'OVERLOADED']);
  });
});

describe('the rate at which clients are let in', () => {
  it('lets in as many at once as in a second, and gives the others their turns, one after the other', () => {
    const session = server({ admissionsPerSecond: 10 });
    for (let id = 1; id <= 14; id++) greet(session, id);
    expect(new Set(codes(session, 1, 2, 3, 9, 10))).toEqual(new Set(['done']));
    expect([11, 12, 13, 14].map((id) => answer(session, id))).toMatchObject([
      { code: 'OVERLOADED', retryAfterMs: 100 },
      { code: 'OVERLOADED', retryAfterMs: 200 },
      { code: 'OVERLOADED', retryAfterMs: 300 },
      { code: 'OVERLOADED', retryAfterMs: 400 },
    ]);
    expect(session.core.counts.refused).toMatchObject({ rate: 4 });
  });

  it('lets who has waited go before who comes for the first time', () => {
    const session = server({ admissionsPerSecond: 10 });
    for (let id = 1; id <= 12; id++) greet(session, id);
    session.pass(100);
    greet(session, 20);
    greet(session, 11, true);
    expect(codes(session, 20, 11)).toEqual(['OVERLOADED', 'done']);
  });

  it('keeps what a lost client has published for as long as clients wait to be let in', () => {
    const session = server({ admissionsPerSecond: 2, graceMs: 1_000 });
    greet(session, 1);
    session.publish(1, 'a');
    session.applied();
    session.pass(1_000);
    for (let id = 2; id <= 7; id++) greet(session, id);
    session.disconnect(1);
    session.transcript();
    session.pass(1_900);
    expect(session.transcript().filter((line) => line.includes('operations'))).toEqual([]);
    session.pass(200);
    expect(session.transcript()).toContain('d1 <- operations -a@1(grace-expired)');
  });

  it.each([false, true])(
    'brings a storm of 2,000 in at that rate, and none of them waits for long (newcomers: %s)',
    (isJoined) => {
      const rate = 500;
      const storm = 2_000;
      const session = server({ admissionsPerSecond: rate });
      const random = seededRandom(1);
      const due: { atMs: number; id: number; sinceMs: number; tries: number }[] = [];
      const startMs = session.nowMs;
      for (let id = 1; id <= storm; id++) due.push({ atMs: startMs + random() * 5, id, sinceMs: startMs, tries: 0 });
      // Others come all the while, half as many as can be let in.
      for (let i = 0; i < (isJoined ? 1_000 : 0); i++) {
        const atMs = startMs + (i * 2_000) / rate;
        due.push({ atMs, id: 10_000 + i, sinceMs: atMs, tries: 0 });
      }
      const admittedAtMs: number[] = [];
      const retriesMs: number[] = [];
      const waits: { ms: number; tries: number }[] = [];
      while (due.length > 0) {
        due.sort((a, b) => b.atMs - a.atMs);
        const client = due.pop()!;
        session.pass(Math.max(0, client.atMs - session.nowMs));
        greet(session, client.id + 100_000 * client.tries++, client.tries > 1);
        const effect = session.effects.at(-1)!;
        if (effect.type === 'fail') {
          const retryMs = effect.failure.retryAfterMs!;
          retriesMs.push(retryMs);
          session.disconnect(client.id + 100_000 * (client.tries - 1));
          due.push({ ...client, atMs: session.nowMs + Math.max(100, retryMs) * (1 + random() / 4) });
        } else {
          admittedAtMs.push(session.nowMs);
          waits.push({ ms: session.nowMs - client.sinceMs, tries: client.tries });
        }
        session.effects.splice(0);
      }
      for (let fromMs = startMs; fromMs < session.nowMs; fromMs += 100) {
        const within = admittedAtMs.filter((atMs) => atMs >= fromMs && atMs < fromMs + 1_000).length;
        expect(within).toBeLessThanOrEqual(2 * rate);
      }
      const all = isJoined ? storm + 1_000 : storm;
      expect(Math.min(...retriesMs)).toBeGreaterThan(0);
      expect(Math.max(...retriesMs)).toBeLessThanOrEqual(3_000);
      expect(waits).toHaveLength(all);
      expect(Math.max(...waits.map(({ tries }) => tries))).toBeLessThanOrEqual(isJoined ? 8 : 4);
      // No more than half as long again as it takes to let all in.
      const shortestMs = ((storm - rate) / rate) * 1_000;
      expect(Math.max(...waits.map(({ ms }) => ms))).toBeLessThan((isJoined ? 3 : 1.5) * shortestMs);
    },
  );
});
