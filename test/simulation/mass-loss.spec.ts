import type { Cluster } from '#sim';
import { loseMost, manyPublishers, massLoss } from './stories.js';
import { watched } from './watched.js';

function cluster(seed: number, metas: 1 | 3 = 1): Cluster {
  return watched({ seed, metas, data: 4, sessions: 4, clients: 4 });
}

const protections = ({ meta }: Cluster) => meta.state.table.protections ?? [];

describe('the loss of many servers at a time, with the real brains', () => {
  it.each([
    [1, 'kill'],
    [2, 'vanish'],
    [3, 'kill'],
    [4, 'vanish'],
  ] as const)('shrinks no list, however long it takes until they are back (seed %i, %s)', (seed, how) => {
    const whole = cluster(seed);
    whole.story(() => {
      massLoss(whole, how);
      expect(protections(whole)).toEqual([]);
    });
  });

  it('is remembered by the next leader of meta', () => {
    const whole = cluster(5, 3);
    whole.story(() => {
      const watcher = manyPublishers(whole);
      loseMost(whole, 'vanish');
      whole.until('it is noticed', () => protections(whole).length > 0);
      const leader = whole.metaLeader!.name;
      whole.kill(leader);
      whole.run(60_000);
      expect(whole.metaLeader!.name).not.toBe(leader);
      expect(protections(whole)).toMatchObject([{ role: 'session', expected: 4 }]);
      expect(watcher.list().size).toBe(3);
    });
  });

  it('ends with the word of an operator, and then the publications leave after the grace', () => {
    const whole = cluster(6);
    whole.story(() => {
      const watcher = manyPublishers(whole);
      for (const client of whole.clients.slice(1)) whole.kill(client.name);
      loseMost(whole, 'kill');
      whole.run(60_000);
      expect(watcher.list().size).toBe(3);
      whole.metaLeader!.operate({ type: 'confirmLoss', epoch: whole.meta.state.table.epoch });
      whole.run(15_000);
      expect(watcher.list().size).toBe(3);
      whole.untilConverged(15_000);
      expect(watcher.list().size).toBe(0);
    });
  });

  it('keeps no slot without a leader when it is most data servers, and nothing is lost', () => {
    const whole = cluster(7);
    whole.story(() => {
      const dataIds = Array.from({ length: 20 }, (_, i) => `service-${i}`);
      for (const dataId of dataIds) {
        whole.clients[0]!.publish({ dataId, data: [`http://${dataId}:80`] });
        whole.clients[1]!.subscribe({ dataId });
      }
      whole.untilConverged();
      const joined = () => whole.meta.state.table.members.filter(({ role }) => role === 'data').length;
      whole.until('all data servers have joined', () => joined() === whole.data.length);
      whole.untilConverged();
      const survivor = whole.data[3]!.incarnation;
      for (const name of ['data-1', 'data-2', 'data-3']) whole.kill(name);
      const leads = () => whole.meta.state.table.slots.every(({ leader }) => leader === survivor);
      expect(whole.until('the one that is left leads every slot', leads)).toBeLessThan(1_000);
      whole.run(30_000);
      whole.untilConverged();
      expect(protections(whole)).toMatchObject([{ role: 'data', expected: 4 }]);
      for (const name of ['data-1', 'data-2']) whole.restart(name);
      whole.run(10_000);
      expect(leads()).toBe(true);
      whole.restart('data-3');
      whole.until('all lead their share again', () => {
        const leaders = new Set(whole.meta.state.table.slots.map(({ leader }) => leader));
        return whole.data.every(({ incarnation }) => leaders.has(incarnation));
      });
      whole.run(10_000);
      whole.untilConverged();
      expect(protections(whole)).toEqual([]);
    });
  });

  it('is none when they are stopped as planned', () => {
    const whole = cluster(8);
    whole.story(() => {
      whole.run(5_000);
      for (const name of ['session-1', 'session-2', 'session-3', 'data-1', 'data-2', 'data-3']) whole.stop(name);
      whole.run(10_000);
      expect(whole.meta.state.table.members).toHaveLength(2);
      expect(protections(whole)).toEqual([]);
    });
  });
});
