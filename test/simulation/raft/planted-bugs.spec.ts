import type { RaftMessage } from '#consensus';
import type { Flaws } from './flaws.js';
import { ListMachine } from './machine.js';
import type { SimNode } from './node.js';
import { runStory } from './story.js';

/** What of the core's inside the bugs below reach for. */
interface Innards {
  state: {
    term: number;
    vote: string | null;
    log: { termAt(index: number): number | undefined; commitTo(index: number): boolean };
    out: { changeHardState(): void };
  };
  leading?: Leading;
}

interface Leading {
  round: number;
  advanceCommit(): boolean;
  replication: { peers: Map<string, { answeredRound: number }> };
  membership: { hasCommitted(): boolean; write(configuration: { voters: string[]; learners: string[] }): void };
}

const innards = (node: SimNode): Innards => node.core as unknown as Innards;

/** Breaks each leadership once, right after it has begun. */
function eachLeadership(breakIt: (leading: Leading, node: SimNode) => void): Flaws {
  const broken = new WeakSet<Leading>();
  return {
    afterStep: (node) => {
      const { leading } = innards(node);
      if (!leading || broken.has(leading)) return;
      broken.add(leading);
      breakIt(leading, node);
    },
  };
}

/** Changes messages of one kind as they arrive. */
function arriving<Kind extends RaftMessage['kind']>(
  kinds: Kind[],
  change: (node: SimNode, message: Extract<RaftMessage, { kind: Kind }>) => RaftMessage,
): Flaws {
  return {
    event: (node, event) =>
      event.type === 'received' && (kinds as string[]).includes(event.message.kind)
        ? { ...event, message: change(node, event.message as Extract<RaftMessage, { kind: Kind }>) }
        : event,
  };
}

interface Bug {
  name: string;
  /** Which rule must find it, */
  rule: RegExp;
  /** within so many seeds, */
  seeds: number;
  /** by what it leads to, without the rules on how to get there. */
  byOutcome?: boolean;
  flaws: () => Flaws;
}

/** Each has happened to somebody, or is the one line of the protocol that is easiest to leave out. */
const BUGS: Bug[] = [
  {
    name: 'a vote is granted before it is on disk',
    rule: /promises on disk/,
    seeds: 5,
    flaws: () => ({
      persistedEarly: ({ id }, { hardState }) => hardState?.vote !== undefined && hardState.vote !== id,
    }),
  },
  {
    name: 'a follower acknowledges entries before they are on disk',
    rule: /promises on disk/,
    seeds: 5,
    flaws: () => ({ persistedEarly: ({ status }, { entries }) => status.role !== 'leader' && entries !== undefined }),
  },
  {
    name: 'a leader counts itself before its own sync (etcd #14370)',
    rule: /durability/,
    seeds: 5,
    flaws: () => ({ persistedEarly: ({ status }, { entries }) => status.role === 'leader' && entries !== undefined }),
  },
  {
    name: 'a store that syncs now and then (NATS 2.12.1)',
    rule: /leader completeness|state machine safety|election safety|log matching|durability|read freshness/,
    seeds: 30,
    byOutcome: true,
    flaws: () => ({ persistedEarly: () => true }),
  },
  {
    name: 'an entry of an earlier term is committed by counting (Figure 8)',
    rule: /leader completeness|state machine safety|by counting/,
    seeds: 30,
    flaws: () =>
      eachLeadership((leading, node) => {
        const { state } = innards(node);
        const advanceCommit = leading.advanceCommit.bind(leading);
        leading.advanceCommit = () => {
          const { log } = state;
          // The first question it asks is whether the entry is of this term.
          log.termAt = () => {
            delete (log as Partial<typeof log>).termAt;
            return state.term;
          };
          const moved = advanceCommit();
          delete (log as Partial<typeof log>).termAt;
          return moved;
        };
      }),
  },
  {
    name: 'commit is not capped at what the append has verified (Copycat #265, NuRaft #57)',
    rule: /leader completeness|state machine safety/,
    seeds: 60,
    byOutcome: true,
    flaws: () => ({
      afterStep: (node, event) => {
        if (event.type !== 'received' || event.message.kind !== 'append') return;
        const { term, previousIndex, previousTerm, commit } = event.message;
        const { state, leading } = innards(node);
        if (term === state.term && !leading && node.log.holds(previousIndex, previousTerm)) state.log.commitTo(commit);
      },
    }),
  },
  {
    name: 'stepping down in the same term erases the vote (CCF #8094)',
    rule: /hard state/,
    seeds: 10,
    flaws: () => ({
      afterStep: (node) => {
        const { state, leading } = innards(node);
        if (!['leader', 'candidate'].includes(node.status.role) || leading || state.term !== node.status.term) return;
        if (state.vote === null) return;
        state.vote = null;
        state.out.changeHardState();
      },
    }),
  },
  {
    name: 'term and vote are written one after the other (hashicorp #661)',
    rule: /hard state/,
    seeds: 5,
    flaws: () => ({
      writes: (_, write) => {
        if (write.kind !== 'persist' || !write.hardState) return [write];
        const { hardState, ...rest } = write;
        return [
          { kind: 'persist', hardState: { term: hardState.term! } },
          { ...rest, hardState: { vote: hardState.vote! } },
        ];
      },
    }),
  },
  {
    name: 'a vote is given to whoever asks, however old its log',
    rule: /leader completeness|state machine safety/,
    seeds: 10,
    byOutcome: true,
    flaws: () =>
      arriving(['preVote', 'vote'], (_, message) => ({ ...message, lastIndex: 1e9, lastTerm: message.term })),
  },
  {
    name: 'an append is taken without comparing what precedes it',
    rule: /log matching|state machine safety/,
    seeds: 30,
    byOutcome: true,
    flaws: () =>
      arriving(['append'], (node, message) => {
        const own = node.log.termAt(message.previousIndex);
        if (own === undefined || own > (message.entries[0]?.term ?? message.term)) return message;
        return { ...message, previousTerm: own };
      }),
  },
  {
    name: 'a conflicting suffix stays on disk',
    rule: /log matching/,
    seeds: 30,
    byOutcome: true,
    flaws: () => ({
      writes: (_, write) => {
        if (write.kind !== 'persist') return [write];
        const { truncateFrom: _dropped, ...rest } = write;
        return [rest];
      },
    }),
  },
  {
    name: 'a leader answers a read without asking whether it still leads',
    rule: /read freshness|linearizability/,
    seeds: 30,
    byOutcome: true,
    flaws: () => ({ readAtOnce: ({ leading }) => leading }),
  },
  {
    name: 'a read is confirmed by an answer to a round before it (etcd/raft #397)',
    rule: /read freshness|linearizability/,
    seeds: 250,
    byOutcome: true,
    flaws: () => ({
      event: (node, event) => {
        const { leading, state } = innards(node);
        if (!leading || event.type !== 'received' || event.message.term !== state.term) return event;
        const peer = leading.replication.peers.get(event.from);
        if (peer && event.message.kind === 'appendAnswer') peer.answeredRound = leading.round;
        return event;
      },
    }),
  },
  {
    name: 'a new leader answers reads before it has committed anything',
    rule: /read freshness|linearizability/,
    seeds: 60,
    byOutcome: true,
    flaws: () => eachLeadership((leading) => Object.defineProperty(leading, 'hasCommitted', { get: () => true })),
  },
  {
    name: 'a snapshot leaves out who has been answered what',
    rule: /at most once/,
    seeds: 20,
    byOutcome: true,
    flaws: () => ({
      decodeSnapshot: (bytes) => {
        const machine = ListMachine.decode(bytes);
        machine.clients.clear();
        return machine;
      },
    }),
  },
  {
    name: 'a snapshot claims to be older than its state, so that entries are applied twice',
    rule: /state machine safety/,
    seeds: 10,
    byOutcome: true,
    flaws: () => ({ snapshotIndex: ({ machine }) => machine.index - 3 }),
  },
  {
    name: 'a snapshot claims to be newer than its state, so that entries are never applied (etcd 3.5)',
    rule: /state machine safety/,
    seeds: 20,
    byOutcome: true,
    flaws: () => ({ snapshotIndex: ({ machine, status }) => Math.min(status.commit, machine.index + 3) }),
  },
  {
    name: 'a snapshot counts before all of it is there',
    rule: /^snapshot/,
    seeds: 150,
    byOutcome: true,
    flaws: () => ({ snapshotWrites: (writes) => [writes.at(-1)!, ...writes.slice(0, -1)] }),
  },
  {
    name: 'voters change in a single step, without a joint configuration',
    rule: /configuration safety/,
    seeds: 5,
    flaws: () =>
      eachLeadership(({ membership }) => {
        const write = membership.write.bind(membership);
        membership.write = ({ voters, learners }) => write({ voters, learners });
      }),
  },
  {
    name: 'a change of members begins before an entry of the term is committed (Ongaro 2015)',
    rule: /configuration safety/,
    seeds: 60,
    flaws: () =>
      eachLeadership(({ membership }) => {
        membership.hasCommitted = () => true;
      }),
  },
];

/** Runs seeds with the bug until a rule objects: which, and after how many seeds. */
function firstObjection({ flaws, seeds, byOutcome }: Bug): string {
  for (let seed = 1; seed <= seeds; seed++) {
    try {
      runStory(seed, { flaws: flaws(), outcomesOnly: byOutcome ?? false });
    } catch (error) {
      const objection = (error as Error).message.split('\n')[0]!;
      return objection;
    }
  }
  return `nothing, in ${seeds} seeds`;
}

describe('the simulation of a Raft group catches', () => {
  it.each(BUGS)('$name', (bug) => {
    expect(firstObjection(bug)).toMatch(bug.rule);
  });
});
