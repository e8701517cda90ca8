import type { RegistryError } from '#model';
import { Group } from './node-group.harness.js';

const IDS = ['a', 'b', 'c'];
const others = (...without: string[]): string[] => IDS.filter((id) => !without.includes(id));

/** Every write to a node's disk. */
function countWrites(group: Group, id: string): () => number {
  const disk = group.disks.get(id)!;
  const write = disk.write.bind(disk);
  let writes = 0;
  disk.write = (operations) => {
    writes++;
    return write(operations);
  };
  return () => writes;
}

describe('a Raft node', () => {
  let group: Group;

  const begin = async (limits: ConstructorParameters<typeof Group>[1] = {}, ids = IDS): Promise<string> => {
    group = new Group(ids, limits);
    await group.start();
    return group.leader();
  };

  afterEach(() => group.stop());

  const outcome = (promise: Promise<unknown>): Promise<string> =>
    group.finish(
      promise.then(
        () => 'done',
        (error: RegistryError) => error.code,
      ),
    );

  describe('that fell behind', () => {
    const limits = { snapshotEveryEntries: 10, retainedEntries: 2, chunkBytes: 64 };

    const fallBehind = async (): Promise<{ leader: string; slow: string; items: number[] }> => {
      const leader = await begin(limits);
      const slow = others(leader)[0]!;
      await group.propose(0);
      await group.converge();
      group.isolate(slow);
      const items = Array.from({ length: 41 }, (_, i) => i);
      for (const item of items.slice(1)) await group.propose(item, 'x', leader);
      return { leader, slow, items };
    };

    it('is given a snapshot in chunks, and its watchers go on from there', async () => {
      const { slow, items } = await fallBehind();
      let chunks = 0;
      group.onDelivery = (_from, to, { kind }) => {
        if (kind === 'snapshot' && to === slow) chunks++;
      };
      const seen: string[] = [];
      const watching = (async () => {
        for await (const item of group.node(slow).watch(0))
          seen.push('change' in item ? `change ${item.change.item}` : `all ${item.snapshot['x']?.length ?? 0}`);
      })();
      await group.env.run(10);
      group.heal();
      await group.converge();
      await group.propose('after');
      await group.converge();
      expect(chunks).toBeGreaterThan(2);
      expect(group.node(slow).status().snapshotIndex).toBeGreaterThan(20);
      expect(await group.states()).toEqual(IDS.map(() => ({ x: [...items, 'after'] })));
      group.kill(slow);
      await group.start(slow);
      await group.converge();
      expect((await group.states())[2]).toEqual({ x: [...items, 'after'] });
      await watching;
      expect(seen[0]).toBe('change 0');
      expect(seen.find((line) => line.startsWith('all'))).toMatch(/^all [234]\d$/);
      expect(seen.at(-1)).toBe('change after');
    });

    it('and is killed while the snapshot arrives begins again', async () => {
      const { slow, items } = await fallBehind();
      let chunks = 0;
      group.onDelivery = (_from, to, { kind }) => {
        if (kind === 'snapshot' && to === slow) chunks++;
      };
      group.heal();
      expect(await group.env.until(() => chunks === 2)).toBe(true);
      group.kill(slow);
      await group.start(slow);
      await group.converge();
      expect(await group.states()).toEqual(IDS.map(() => ({ x: items })));
    });

    it.each(['nothing', 'everything'] as const)(
      'and loses power while the snapshot is written has the old state or the new one (%s kept)',
      async (kept) => {
        const { slow, items } = await fallBehind();
        group.onDelivery = (_from, to, message) => {
          if (message.kind === 'snapshot' && message.last && to === slow) group.disks.get(slow)!.pause();
        };
        group.heal();
        await group.env.run(1_000);
        group.onDelivery = () => {};
        // It is not this node's state before it is on its disk.
        const state = await group.node(slow).read((held) => held, { maxAgeMs: Infinity });
        expect(state).toEqual({ x: [0] });
        await expect(group.node(slow).snapshotNow()).rejects.toMatchObject({ code: 'PENDING' });
        group.node(slow).crash();
        group.nodes.delete(slow);
        group.disks.get(slow)!.loseUnsynced(kept);
        await group.start(slow);
        await group.converge();
        expect(await group.states()).toEqual(IDS.map(() => ({ x: items })));
      },
    );

    it('stops when what it was given is not what was sent', async () => {
      const { slow } = await fallBehind();
      group.onDelivery = (_from, to, message) => {
        if (message.kind === 'snapshot' && to === slow) message.bytes[message.bytes.length - 1]! ^= 1;
      };
      group.heal();
      expect(await group.env.until(() => group.failures.length > 0)).toBe(true);
      expect(group.failures).toMatchObject([{ id: slow, failure: { code: 'STORE_CORRUPT' } }]);
      await group.propose('goes on', 'x', await group.leader(others(slow)));
    });

    it('stops rather than hold a snapshot beyond its bound', async () => {
      const leader = await begin({ ...limits, snapshotBytes: 100 });
      const slow = others(leader)[0]!;
      group.isolate(slow);
      for (let item = 0; item < 30; item++) await group.propose(item, 'x', leader);
      group.heal();
      expect(await group.env.until(() => group.failures.length > 0)).toBe(true);
      expect(group.failures).toMatchObject([{ id: slow, failure: { code: 'OVERLOADED' } }]);
    });
  });

  describe('whose disk fails', () => {
    it('stops for good and says so; the others elect a leader and go on', async () => {
      const leader = await begin();
      await group.propose(1);
      const node = group.node(leader);
      const led: boolean[] = [];
      node.onLeadership(({ leading }) => led.push(leading));
      const watching = (async () => {
        for await (const item of node.watch(0)) void item;
      })();
      const waiting = node.read(() => 'read', 'linearizable');
      group.disks.get(leader)!.failWrite(1);
      const codes = [2, 3].map((item) => node.propose({ client: `c${item}`, sequence: 1 }, { to: 'x', item }));
      expect(await Promise.all([...codes, waiting].map(outcome))).toEqual(Array(3).fill('STORE_FAILED'));
      await expect(watching).rejects.toMatchObject({ code: 'STORE_FAILED' });
      expect(group.failures).toMatchObject([{ id: leader, failure: { code: 'STORE_FAILED' } }]);
      expect(node.status().failure).toMatchObject({ code: 'STORE_FAILED' });
      expect(led).toEqual([true, false]);
      const heir = await group.leader(others(leader));
      await group.propose(4, 'x', heir);
      expect(await outcome(node.propose({ client: 'late', sequence: 1 }, { to: 'x', item: 5 }))).toBe('STORE_FAILED');
      await node.close();
      group.nodes.delete(leader);
      await group.start(leader);
      await group.converge();
      expect((await group.read())['x']!.filter((item) => item === 1 || item === 4)).toEqual([1, 4]);
    });

    it('while it saves a snapshot stops as well', async () => {
      const leader = await begin();
      await group.propose(1);
      const follower = others(leader)[0]!;
      group.disks.get(follower)!.failWrite(1);
      expect(await outcome(group.node(follower).snapshotNow())).toBe('STORE_FAILED');
      expect(group.failures).toMatchObject([{ id: follower }]);
      await group.propose(2);
    });

    it('does not start when a bit has flipped; the others go on', async () => {
      const leader = await begin();
      await group.propose(1);
      const damaged = others(leader)[0]!;
      await group.node(damaged).close();
      group.nodes.delete(damaged);
      const entry = group.disks
        .get(damaged)!
        .keys()
        .findLast((key) => key.startsWith('entries/'))!;
      group.disks.get(damaged)!.flipBit(entry);
      await expect(group.start(damaged)).rejects.toMatchObject({ code: 'STORE_CORRUPT' });
      await group.propose(2);
    });
  });

  describe('whose disk is slow', () => {
    it('as the only member acknowledges nothing before it is on its disk', async () => {
      const leader = await begin({}, ['a']);
      const resume = group.disks.get(leader)!.pause();
      let acknowledged = false;
      const proposed = group.propose(1).then(() => (acknowledged = true));
      await group.env.run(1_000);
      expect(acknowledged).toBe(false);
      expect(await group.states()).toEqual([{}]);
      resume();
      await group.finish(proposed);
    });

    it('votes for nobody before the vote is on its disk', async () => {
      const leader = await begin();
      const [voter, candidate] = others(leader) as [string, string];
      const answers: string[] = [];
      group.onDelivery = (from, _to, { kind }) => {
        if (from === voter && kind === 'voteAnswer') answers.push(kind);
      };
      const resume = group.disks.get(voter)!.pause();
      group.kill(leader);
      await group.env.run(5_000);
      expect(answers).toEqual([]);
      resume();
      expect([voter, candidate]).toContain(await group.leader());
    });

    it('follows without an election, and the group goes on without its acknowledgement', async () => {
      const leader = await begin();
      const slow = others(leader)[0]!;
      const { term } = group.node(leader).status();
      const resume = group.disks.get(slow)!.pause();
      for (let item = 1; item <= 5; item++) await group.propose(item);
      await group.env.run(5_000);
      expect(group.node(slow).status()).toMatchObject({ term, leader });
      expect(group.node(slow).status().applied).toBeLessThan(group.node(leader).status().applied);
      resume();
      await group.converge();
    });

    it('writes together what arrives while it writes', async () => {
      const leader = await begin();
      const counters = IDS.map((id) => countWrites(group, id));
      const before = counters.map((count) => count());
      const proposals = Array.from({ length: 500 }, (_, i) =>
        group.node(leader).propose({ client: `c${i}`, sequence: 1 }, { to: 'x', item: i }),
      );
      await group.finish(Promise.all(proposals));
      await group.converge();
      for (const [i, count] of counters.entries()) expect(count() - before[i]!).toBeLessThan(10);
    });
  });

  it('stops when a committed command cannot be applied, which nothing can undo', async () => {
    await begin({}, ['a']);
    await group.propose(1);
    const proposed = group.node('a').propose({ client: 'me', sequence: 1 }, { to: 'x', item: 'explode' });
    expect(await outcome(proposed)).toBe('INTERNAL');
    expect(group.failures[0]!.failure.message).toMatch(
      /Entry \d+ is committed and cannot be applied here: Error: boom/,
    );
  });

  it('finishes what it writes when it is closed, and refuses what waits', async () => {
    const leader = await begin();
    const node = group.node(leader);
    const proposed = outcome(node.propose({ client: 'me', sequence: 1 }, { to: 'x', item: 1 }));
    const read = outcome(node.read(() => 1, 'linearizable'));
    await node.close();
    expect([await proposed, await read]).toEqual(['SHUTTING_DOWN', 'SHUTTING_DOWN']);
    await expect(node.changeMembership({ type: 'addLearner', node: 'd' })).rejects.toMatchObject({
      code: 'SHUTTING_DOWN',
    });
    await expect(node.snapshotNow()).rejects.toMatchObject({ code: 'SHUTTING_DOWN' });
    group.nodes.delete(leader);
    await group.start(leader);
    await group.converge();
  });

  it('takes a snapshot when asked, and drops the log before it', async () => {
    const leader = await begin({ retainedEntries: 0 });
    for (let item = 1; item <= 5; item++) await group.propose(item);
    const node = group.node(leader);
    const { applied } = node.status();
    expect(node.entryAt(applied)).toMatchObject({ kind: 'command', index: applied });
    const resume = group.disks.get(leader)!.pause();
    const taken = node.snapshotNow();
    await group.env.run(100);
    expect(node.status()).toMatchObject({ snapshotIndex: 0, first: 1 });
    resume();
    expect(await group.finish(taken)).toBe(applied);
    expect(await group.finish(node.snapshotNow())).toBe(applied);
    expect(node.status()).toMatchObject({ snapshotIndex: applied, first: applied + 1 });
    expect(node.entryAt(applied)).toBeUndefined();
  });
});
