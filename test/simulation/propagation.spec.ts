import type { Core } from '#model';
import type { DataCore, SessionCore, SessionEvent } from '#registry';
import { realCores } from '#sim';
import { watched } from './watched.js';

/** A brain on a clock of its own, which shows something else than every other. */
function onItsOwnClock<Event, Effect extends { type: string }>(
  core: Core<Event, Effect>,
  aheadMs: number,
): Core<Event, Effect> {
  const step = core.step.bind(core);
  core.step = (nowMs, event) =>
    step(nowMs + aheadMs, event).map((effect) =>
      effect.type === 'wake' ? { ...effect, atMs: (effect as unknown as { atMs: number }).atMs - aheadMs } : effect,
    );
  return core;
}

describe('how long changes take between servers whose clocks have nothing in common', () => {
  it.each([1, 2, 3])('is what it takes, give or take what the clocks are known to be off: seed %i', (seed) => {
    const sessions: SessionCore[] = [];
    const data: DataCore[] = [];
    /** When a change was accepted, and when its subscriber's acknowledgement came, as only the simulation knows. */
    const accepted: number[] = [];
    const acked: number[] = [];
    const cluster = watched({
      ...{ seed, sessions: 2, data: 2, clients: 6 },
      cores: {
        session: (options) => {
          const core = realCores.session(options);
          sessions.push(core as SessionCore);
          return onItsOwnClock(core, 1e6 * sessions.length);
        },
        data: (options) => {
          const core = realCores.data(options);
          data.push(core as DataCore);
          return onItsOwnClock(core, 1e8 * data.length);
        },
      },
      observers: [
        () => ({
          event: (_, event) => {
            const request =
              event.type === 'request' ? (event as SessionEvent & { type: 'request' }).request : undefined;
            if (request?.kind === 'apply') accepted.push(cluster.nowMs);
            if (request?.kind === 'ack') acked.push(cluster.nowMs);
          },
        }),
      ],
    });
    cluster.story(() => {
      cluster.until('all clients are connected', () => cluster.clients.every((client) => client.connectedTo()));
      const [publisher] = cluster.clients;
      const isElsewhere = (client: (typeof cluster.clients)[0]): boolean =>
        client.connectedTo()!.host !== publisher!.connectedTo()!.host;
      const watcher = cluster.clients.find(isElsewhere)!.subscribe({ dataId: 'timed' });
      const published = publisher!.publish({ dataId: 'timed', data: ['0'] });
      cluster.untilConverged();
      // Session servers have asked data servers for their clocks by then.
      cluster.run(3_000);
      const [before, past] = [sessions.map(({ propagation }) => propagation.total.count), acked.length];
      accepted.length = 0;
      for (let i = 1; i <= 20; i++) {
        published.republish([String(i)]);
        cluster.untilConverged();
        cluster.run(200);
      }
      expect(watcher.list().get(published.registerId)).toEqual(['20']);
      expect(before).toEqual([0, 0]);
      const tookMs = acked.slice(past).map((atMs, i) => atMs - accepted[i]!);
      expect(tookMs).toHaveLength(20);
      const [count, sumMs, errorMs] = sessions
        .map(({ propagation: { total, clockErrorMs } }) => [total.count, total.sumMs, clockErrorMs] as const)
        .reduce((sum, each) => [sum[0] + each[0], sum[1] + each[1], sum[2] + each[2]] as const);
      expect(count).toBe(20);
      const trueMs = tookMs.reduce((sum, each) => sum + each);
      expect(Math.abs(sumMs - trueMs)).toBeLessThanOrEqual(20 * errorMs);
      expect(errorMs).toBeLessThan(trueMs / 20);
      expect(data.reduce((sum, { applied }) => sum + applied.count, 0)).toBeGreaterThanOrEqual(20);
    });
  });
});
