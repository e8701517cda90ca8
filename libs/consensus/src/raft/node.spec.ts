import type { RegistryError } from '#model';
import { Group } from './node-group.harness.js';

const others = (ids: string[], ...without: string[]): string[] => ids.filter((id) => !without.includes(id));
const IDS = ['a', 'b', 'c'];

describe('a group of three', () => {
  let group: Group;

  const begin = async (limits: ConstructorParameters<typeof Group>[1] = {}, seed = 1): Promise<void> => {
    group = new Group(IDS, limits, seed);
    await group.start();
  };

  afterEach(async () => {
    await group.stop();
    for (const { failure } of group.failures) throw failure;
  });

  const failure = (promise: Promise<unknown>): Promise<RegistryError> => {
    const settled = group.finish(promise);
    return settled.then(
      () => {
        throw new Error('It was to fail.');
      },
      (error: RegistryError) => error,
    );
  };

  describe('leadership', () => {
    it('falls to one node, which all know, and stays there', async () => {
      await begin();
      const leader = await group.leader();
      await group.env.run(10_000);
      for (const id of IDS) {
        const { role, leader: known, term } = group.node(id).status();
        expect([id, role, known, term]).toEqual([id, id === leader ? 'leader' : 'follower', leader, 1]);
      }
    });

    it('is told when everything before has been applied, and who has it to everybody', async () => {
      await begin();
      await group.propose(1);
      const first = await group.leader();
      const heir = others(IDS, first)[0]!;
      const told: { leading: boolean; leader?: string | undefined; items?: number }[] = [];
      group.node(heir).onLeadership(({ leading, leader }) => {
        const look = group
          .node(heir)
          .read((state) => told.push({ leading, leader, ...(leading && { items: state['x']?.length ?? 0 }) }), {
            maxAgeMs: Infinity,
          });
        look.catch(() => {});
      });
      group.isolate(others(IDS, first, heir)[0]!);
      await group.propose(2, 'x', first);
      group.heal();
      await group.finish(group.node(first).transfer(heir));
      await group.leader([heir]);
      await group.env.run(100);
      expect(told[0]).toEqual({ leading: false, leader: first });
      expect(told.at(-1)).toEqual({ leading: true, leader: heir, items: 2 });
      expect(told.filter(({ leading }) => leading)).toHaveLength(1);
    });

    it('passes on when the leader is killed, and what was acknowledged is there', async () => {
      await begin();
      for (let item = 1; item <= 5; item++) {
        const leader = await group.leader();
        await group.propose(item);
        group.kill(leader);
        await group.leader();
        await group.start(leader);
      }
      expect(await group.read()).toEqual({ x: [1, 2, 3, 4, 5] });
      await group.converge();
      expect(await group.states()).toEqual(IDS.map(() => ({ x: [1, 2, 3, 4, 5] })));
    });

    it('can be handed over, and the heir goes on at once', async () => {
      await begin();
      await group.propose(1);
      const leader = await group.leader();
      const heir = others(IDS, leader)[1]!;
      const before = group.env.nowMs();
      await group.finish(group.node(leader).transfer(heir));
      expect(await group.leader()).toBe(heir);
      expect(group.env.nowMs() - before).toBeLessThan(50);
      await group.propose(2);
      expect(await group.read()).toEqual({ x: [1, 2] });
      expect(group.node(leader).status()).toMatchObject({ role: 'follower', leader: heir, term: 2 });
      expect(await failure(group.node(heir).transfer('stranger'))).toMatchObject({ code: 'BAD_REQUEST' });
    });
  });

  describe('proposals', () => {
    it('are applied by all in one order, many in flight', async () => {
      await begin();
      const leader = group.node(await group.leader());
      const items = Array.from({ length: 300 }, (_, i) => i);
      const answers = await group.finish(
        Promise.all(items.map((item) => leader.propose({ client: `c${item}`, sequence: 1 }, { to: 'x', item }))),
      );
      expect(answers.map(({ result }) => result)).toEqual(items.map((item) => item + 1));
      await group.converge();
      expect(await group.states()).toEqual(IDS.map(() => ({ x: items })));
    });

    it('are refused by a follower, which says who leads', async () => {
      await begin();
      const leader = await group.leader();
      const follower = others(IDS, leader)[0]!;
      await group.propose(1);
      expect(await failure(group.propose(2, 'x', follower))).toMatchObject({
        code: 'NOT_LEADER',
        retry: 'elsewhere',
        details: { leader },
      });
      expect(await failure(group.read(follower))).toMatchObject({ code: 'NOT_LEADER', details: { leader } });
    });

    it('are applied once, whichever leader they are repeated to', async () => {
      await begin();
      const leader = await group.leader();
      const id = { client: 'me', sequence: 7 };
      const first = await group.finish(group.node(leader).propose(id, { to: 'x', item: 'once' }));
      expect(await group.finish(group.node(leader).propose(id, { to: 'x', item: 'once' }))).toEqual(first);
      group.kill(leader);
      const heir = await group.leader();
      expect(await group.finish(group.node(heir).propose(id, { to: 'x', item: 'once' }))).toEqual(first);
      await group.finish(group.node(heir).propose({ client: 'me', sequence: 8 }, { to: 'x', item: 'next' }));
      expect(await failure(group.node(heir).propose(id, { to: 'x', item: 'once' }))).toMatchObject({
        code: 'BAD_REQUEST',
      });
      expect(await group.read()).toEqual({ x: ['once', 'next'] });
    });

    it('in doubt when their leader is cut off are applied once after they are made again', async () => {
      await begin();
      const leader = await group.leader();
      const id = { client: 'me', sequence: 1 };
      group.isolate(leader);
      const doubtful = group.node(leader).propose(id, { to: 'x', item: 'doubtful' });
      // Nobody is left to follow it, so it resigns.
      expect(await failure(doubtful)).toMatchObject({ code: 'NOT_LEADER' });
      const heir = await group.leader(others(IDS, leader));
      await group.finish(group.node(heir).propose(id, { to: 'x', item: 'doubtful' }));
      group.heal();
      await group.converge();
      expect(await group.states()).toEqual(IDS.map(() => ({ x: ['doubtful'] })));
    });

    it('beyond the bound are refused, and certainly not applied', async () => {
      await begin({ pendingProposals: 2 });
      const leader = group.node(await group.leader());
      const attempts = [1, 2, 3].map((item) =>
        leader.propose({ client: `c${item}`, sequence: 1 }, { to: 'x', item }).then(
          () => 'applied',
          (error: RegistryError) => error.code,
        ),
      );
      expect(await group.finish(Promise.all(attempts))).toEqual(['applied', 'applied', 'OVERLOADED']);
      expect(await group.read()).toEqual({ x: [1, 2] });
    });
  });

  describe('reads', () => {
    it('of a leader that was replaced without knowing it are not answered', async () => {
      await begin();
      await group.propose('old');
      const leader = await group.leader();
      group.isolate(leader);
      const stale = group.node(leader).read((state) => state, 'linearizable');
      stale.catch(() => {});
      const heir = await group.leader(others(IDS, leader));
      await group.propose('new', 'x', heir);
      expect(await failure(stale)).toMatchObject({ code: 'NOT_LEADER' });
      expect(await group.read(heir)).toEqual({ x: ['old', 'new'] });
    });

    it('that may be old are served by a follower while it hears from the leader', async () => {
      await begin();
      await group.propose(1);
      const leader = await group.leader();
      const follower = others(IDS, leader)[0]!;
      await group.env.run(500);
      const read = (maxAgeMs: number): Promise<unknown> => group.node(follower).read((state) => state, { maxAgeMs });
      expect(await read(200)).toEqual({ x: [1] });
      group.isolate(follower);
      await group.propose(2, 'x', leader);
      await group.env.run(1_000);
      expect(await failure(read(200))).toMatchObject({ code: 'NO_LEADER' });
      expect(await read(2_000)).toEqual({ x: [1] });
      group.heal();
      await group.env.run(2_000);
      expect(await read(200)).toEqual({ x: [1, 2] });
    });

    it('that may be old are served by the leader, too', async () => {
      await begin();
      await group.propose(1);
      const leader = group.node(await group.leader());
      expect(await group.finish(leader.read((state) => state, { maxAgeMs: 10 }))).toEqual({ x: [1] });
      expect(await leader.read((state) => state, { maxAgeMs: 10_000 })).toEqual({ x: [1] });
    });

    it('know how old: of a leader that stood still, also for how long it did', async () => {
      await begin();
      await group.propose(1);
      const leader = group.node(await group.leader());
      const follower = group.node(others(IDS, leader.status().id)[0]!);
      await group.env.run(500);
      for (const node of [leader, follower]) expect(node.status().stateAgeMs).toBeLessThan(1_000);
      group.env.sleep(5_000);
      // Somebody else may have led for most of that, and nothing here has noticed yet.
      expect(leader.status()).toMatchObject({ role: 'leader' });
      for (const node of [leader, follower]) expect(node.status().stateAgeMs).toBeGreaterThanOrEqual(5_000);
      await group.env.run(1_000);
      expect(follower.status().stateAgeMs).toBeLessThan(1_000);
    });
  });

  it('answers no read from a state that may be older, also where it has just begun to lead', async () => {
    await begin();
    const leader = await group.leader();
    const [heir, other] = others(IDS, leader) as [string, string];
    group.isolate(other);
    await group.propose('acknowledged', 'x', leader);
    group.kill(leader);
    group.heal();
    // The heir has the entry, and cannot know yet that it is committed.
    const resume = group.disks.get(other)!.pause();
    expect(await group.env.until(() => group.node(heir).status().role !== 'follower', 2_000)).toBe(true);
    resume();
    expect(await group.env.until(() => group.node(heir).status().role === 'leader', 2_000)).toBe(true);
    const again = group.disks.get(other)!.pause();
    const read = group.node(heir).read((state) => state, { maxAgeMs: 1_000 });
    await group.env.run(2_000);
    again();
    expect(await group.finish(read)).toEqual({ x: ['acknowledged'] });
  });

  describe('partitions', () => {
    it('leave a majority at work and a minority that acknowledges nothing', async () => {
      await begin();
      await group.propose(1);
      const leader = await group.leader();
      group.isolate(leader);
      const lost = failure(group.node(leader).propose({ client: 'lost', sequence: 1 }, { to: 'x', item: 'lost' }));
      const heir = await group.leader(others(IDS, leader));
      await group.propose(2, 'x', heir);
      expect((await lost).code).toBe('NOT_LEADER');
      group.heal();
      await group.converge();
      expect(await group.states()).toEqual(IDS.map(() => ({ x: [1, 2] })));
    });

    it('do not make the one that comes back disturb the others', async () => {
      await begin();
      const leader = await group.leader();
      const { term } = group.node(leader).status();
      const away = others(IDS, leader)[0]!;
      group.isolate(away);
      await group.env.run(20_000);
      group.heal();
      await group.env.run(5_000);
      expect(await group.leader()).toBe(leader);
      expect(group.node(away).status()).toMatchObject({ term, leader });
    });
  });

  describe('restarts', () => {
    it.each(IDS)('of %s lose nothing', async (id) => {
      await begin();
      await group.propose(1);
      group.kill(id);
      await group.propose(2);
      await group.start(id);
      await group.propose(3);
      await group.converge();
      expect(await group.states()).toEqual(IDS.map(() => ({ x: [1, 2, 3] })));
    });

    it('of all at once lose nothing, with snapshots and without', async () => {
      await begin({ snapshotEveryEntries: 4 });
      for (let item = 1; item <= 10; item++) {
        await group.propose(item);
        if (item % 3 !== 0) continue;
        for (const id of IDS) group.kill(id);
        await group.start();
      }
      expect(await group.read()).toEqual({ x: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10] });
      expect(group.node(await group.leader()).status().snapshotIndex).toBeGreaterThan(4);
    });

    it('bring back what was answered to each client, also from a snapshot', async () => {
      await begin();
      const id = { client: 'me', sequence: 1 };
      const first = await group.finish(group.node(await group.leader()).propose(id, { to: 'x', item: 'once' }));
      // So that nobody finds the command in its log.
      await group.converge();
      for (const node of group.nodes.values()) await group.finish(node.snapshotNow());
      for (const each of IDS) group.kill(each);
      await group.start();
      expect(await group.finish(group.node(await group.leader()).propose(id, { to: 'x', item: 'once' }))).toEqual(
        first,
      );
      expect(await group.read()).toEqual({ x: ['once'] });
    });
  });

  describe('changes', () => {
    it('are told to watchers of every node, in order', async () => {
      await begin();
      const seen = IDS.map(() => [] as (string | number)[]);
      const watchers = IDS.map(async (id, i) => {
        for await (const item of group.node(id).watch(0)) if ('change' in item) seen[i]!.push(item.change.item);
      });
      for (let item = 1; item <= 5; item++) await group.propose(item);
      await group.converge();
      await group.stop();
      await Promise.all(watchers);
      expect(seen).toEqual(IDS.map(() => [1, 2, 3, 4, 5]));
    });
  });
});
