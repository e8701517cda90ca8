import type { RecordOperation } from '../records.js';
import { Group } from './node-group.harness.js';

const IDS = ['a', 'b', 'c'];
const LIMITS = { snapshotEveryEntries: 6, retainedEntries: 2, chunkBytes: 64 };
const MOST_WRITES = 60;

type Kept = 'nothing' | 'everything';

/** Power fails at one node in the middle of its nth write; the node starts again at once. */
class PowerCut {
  private isDone = false;
  private left: number;

  constructor(
    private readonly group: Group,
    readonly id: string,
    nth: number,
    private readonly kept: Kept,
  ) {
    this.left = nth;
    const disk = group.disks.get(id)!;
    const write = disk.write.bind(disk);
    disk.write = (operations: RecordOperation[]) => {
      if (--this.left !== 0) return write(operations);
      disk.pause();
      const cut = write(operations);
      group.env.at(group.env.nowMs(), () => void this.cut());
      return cut;
    };
  }

  /** Whether it has happened; from now on it does not. */
  async over(): Promise<boolean> {
    this.left = Infinity;
    await this.group.env.run(1);
    return this.isDone;
  }

  private async cut(): Promise<void> {
    const { group, id, kept } = this;
    group.nodes.get(id)?.crash();
    group.nodes.delete(id);
    group.disks.get(id)!.loseUnsynced(kept);
    await group.start(id);
    this.isDone = true;
  }
}

/** Sees every vote and every acknowledgement, and that no life of a node contradicts an earlier one. */
function watchPromises(group: Group): { votes: number } {
  const votes = new Map<string, string>();
  const seen = { votes: 0 };
  group.onDelivery = (from, to, message) => {
    if (message.kind !== 'voteAnswer' || !message.granted) return;
    const key = `${from} in term ${message.term}`;
    seen.votes++;
    expect({ [key]: votes.get(key) ?? to }).toEqual({ [key]: to });
    votes.set(key, to);
  };
  return seen;
}

interface Scene {
  name: string;
  /** Before the first write that is counted. Answers the node whose writes are. */
  prepare(group: Group): Promise<string>;
  /** In which the writes are. What it proposes is acknowledged. */
  act(group: Group, id: string): Promise<void>;
  /** How many writes there must be at least, so that the scene is what it claims to be. */
  writes: number;
}

/** The one acknowledged last, of which every later one must know. */
let item = 0;
const propose = async (group: Group): Promise<void> => {
  const next = ++item;
  for (;;) {
    const leader = await group.leader();
    const node = group.nodes.get(leader)!;
    try {
      await group.finish(node.propose({ client: 'x', sequence: next }, { to: 'x', item: next }));
      return;
    } catch (error) {
      const { code } = error as { code: string };
      // Refused by a leader that is no more, or that has just lost its power.
      if (!['NOT_LEADER', 'SHUTTING_DOWN'].includes(code)) throw error;
      await group.env.run(20);
    }
  }
};

const follower = async (group: Group): Promise<string> => {
  const leader = await group.leader();
  await group.converge();
  return IDS.find((id) => id !== leader)!;
};

const SCENES: Scene[] = [
  {
    name: 'voting, as one that is asked',
    prepare: follower,
    act: async (group, id) => {
      // It must not lead itself: the only other one left cannot win without its vote.
      for (let round = 0; round < 3; round++) {
        const leader = await group.leader();
        if (leader === id) continue;
        group.kill(leader);
        await propose(group);
        await group.start(leader);
        await group.converge();
      }
    },
    writes: 3,
  },
  {
    name: 'standing for election, and leading',
    prepare: async (group) => {
      const leader = await group.leader();
      await group.converge();
      const candidate = IDS.find((id) => id !== leader)!;
      return candidate;
    },
    act: async (group, id) => {
      await group
        .finish(group.node(await group.leader()).transfer(id))
        .catch((error: { code: string }) => expect(error.code).toMatch(/NOT_LEADER|DEADLINE_EXCEEDED/));
      for (let i = 0; i < 3; i++) await propose(group);
    },
    writes: 4,
  },
  {
    name: 'appending as a follower, and compacting',
    prepare: follower,
    act: async (group) => {
      for (let i = 0; i < 9; i++) await propose(group);
      await group.converge();
    },
    writes: 12,
  },
  {
    name: 'appending as the leader, and compacting',
    prepare: async (group) => group.leader(),
    act: async (group) => {
      for (let i = 0; i < 9; i++) await propose(group);
      await group.converge();
    },
    writes: 12,
  },
  {
    name: 'replacing a tail that nobody else has',
    prepare: async (group) => {
      const old = await group.leader();
      group.isolate(old);
      for (const lost of ['p', 'q', 'r'])
        void group
          .node(old)
          .propose({ client: lost, sequence: 1 }, { to: lost, item: lost })
          .catch(() => {});
      await group.leader(IDS.filter((id) => id !== old));
      return old;
    },
    act: async (group) => {
      group.heal();
      for (let i = 0; i < 3; i++) await propose(group);
      await group.converge();
    },
    writes: 2,
  },
  {
    name: 'installing a snapshot',
    prepare: async (group) => {
      const behind = await follower(group);
      group.isolate(behind);
      for (let i = 0; i < 20; i++) await propose(group);
      return behind;
    },
    act: async (group) => {
      group.heal();
      await group.converge();
      await propose(group);
      await group.converge();
    },
    writes: 4,
  },
];

describe.each(SCENES)('a node that loses power while $name', ({ prepare, act, writes }) => {
  it.each(['nothing', 'everything'] as const)(
    'keeps its promises, whichever write it is (%s of it kept)',
    async (kept) => {
      let counted = 0;
      for (let nth = 1; ; nth++) {
        if (nth > MOST_WRITES) throw new Error('There are more writes than there can be.');
        item = 0;
        const group = new Group(IDS, LIMITS, nth % 5);
        const promises = watchPromises(group);
        try {
          await group.start();
          await propose(group);
          const cut = new PowerCut(group, await prepare(group), nth, kept);
          await act(group, cut.id);
          if (!(await cut.over())) break;
          counted++;
          await propose(group);
          await group.converge();
          const expected = Array.from({ length: item }, (_, i) => i + 1);
          for (const state of await group.states()) expect(state['x']).toEqual(expected);
          expect(group.failures).toEqual([]);
          expect(promises.votes).toBeGreaterThan(0);
        } catch (error) {
          throw new Error(`At write ${nth}: ${String(error)}`, { cause: error });
        } finally {
          await group.stop();
        }
      }
      expect(counted).toBeGreaterThanOrEqual(writes);
    },
  );
});
