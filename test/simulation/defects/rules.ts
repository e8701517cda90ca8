import type { DataInfoId, DigestEntry, Notice, Operation, Publication, Push } from '#model';
import type { SessionEffect, SessionEvent } from '#registry';
import { type Cores, realCores } from '#sim';
import { clockSetBack, diskRemembers, everythingIsNew, machineDies, staleReplicaLeads } from '../stories.js';
import { type Defect, tamper, tamperStep } from './defect.js';

/** What the rules are made of, as far as it is taken out here: the inside of a data server's core. */
interface Replica {
  leaderEpoch: number;
  isComplete: boolean;
  leaseHolders: { set(publication: Publication, incarnation: string): void };
  live(dataInfoId: string, registerId: string): Publication | undefined;
  owners(): IterableIterator<string>;
  ownedBy(session: string, limit?: number): Publication[];
  complete(): void;
  hashes(): Iterable<[DataInfoId, string]>;
  publications(dataInfoId: DataInfoId): Publication[];
  apply(nowMs: number, operation: Operation, by: string): unknown;
}
/** What is there of a slot that does not count. */
interface Unconfirmed {
  offered: Replica;
  confirm(nowMs: number, replica: Replica, entry: DigestEntry, incarnation: string): boolean;
}
interface Begun {
  waitFor: readonly string[];
}
interface DataInside {
  sessions: {
    inTable: Set<string>;
    isNotWorthWaiting(nowMs: number, incarnation: string, sinceMs: number): boolean;
  };
  held: {
    leadership: { begin(begun: Begun): { replica: Replica }; at(slot: number): unknown };
    replicas: {
      take(slot: number): Replica | undefined;
      followed: Map<number, { follower: { replica: Replica } }>;
      left: Map<number, Replica>;
    };
    leaderFor(named: { slot: number }): unknown;
    warm: { unconfirmed(replica: Replica, ...others: unknown[]): Unconfirmed | undefined };
  };
}

/** A data server with one rule taken out. */
function without(take: (inside: DataInside) => void): () => Partial<Cores> {
  return () => ({
    data: (options) => {
      const core = realCores.data(options);
      take(core as unknown as DataInside);
      return core;
    },
  });
}

/** A data server that begins to lead in another way. */
function beginning(
  change: (begun: Begun, begin: (begun: Begun) => { replica: Replica }) => { replica: Replica },
): () => Partial<Cores> {
  return without(({ held: { leadership } }) => {
    const begin = leadership.begin.bind(leadership);
    leadership.begin = (begun) => change(begun, begin);
  });
}

/** A data server that does something else with what it has of a slot and that does not count. */
function unconfirmed(change: (rest: Unconfirmed, replica: Replica) => void): () => Partial<Cores> {
  return without(({ held: { warm } }) => {
    const real = warm.unconfirmed.bind(warm);
    warm.unconfirmed = (replica, ...others) => {
      const rest = real(replica, ...others);
      if (rest) change(rest, replica);
      return rest;
    };
  });
}

/** The rules of the data tier, each taken out. */
export const RULE_DEFECTS: readonly Defect[] = [
  {
    name: 'removal by inference without the wait set',
    rule: /invariant [34]/,
    cores: beginning((begun, begin) => begin({ ...begun, waitFor: [] })),
    seeds: 120,
  },
  {
    name: 'the wait set without its grace',
    rule: /invariant 3/,
    cores: without(({ sessions }) => {
      sessions.isNotWorthWaiting = (_, incarnation) => !sessions.inTable.has(incarnation);
    }),
    options: { data: 1 },
    story: machineDies,
  },
  {
    name: 'leased publications removed by inference',
    seeds: 80,
    rule: /invariant 2/,
    cores: beginning((begun, begin) => {
      const leader = begin(begun);
      const { replica } = leader;
      const { leaseHolders } = replica;
      // Owned by whoever has accepted it, as if that were a connection.
      const accepted = new Map<Publication, string>();
      const set = leaseHolders.set.bind(leaseHolders);
      leaseHolders.set = (publication, incarnation) => {
        if (!accepted.has(publication)) accepted.set(publication, incarnation);
        set(publication, incarnation);
      };
      const ownedBy = replica.ownedBy.bind(replica);
      const of = (session: string): Publication[] =>
        [...accepted.keys()].filter(
          (each) => accepted.get(each) === session && replica.live(each.dataInfoId, each.registerId) === each,
        );
      replica.ownedBy = (session, limit) => [...ownedBy(session, limit), ...of(session)];
      const owners = replica.owners.bind(replica);
      replica.owners = () => new Set([...owners(), ...accepted.values()]).values();
      return leader;
    }),
  },
  {
    name: 'a completion that keeps the version',
    rule: /invariant 4/,
    cores: beginning((begun, begin) => {
      const leader = begin(begun);
      const { replica } = leader;
      const { isComplete } = replica;
      const completed = new Set(isComplete ? [replica.leaderEpoch] : []);
      Object.defineProperty(replica, 'isComplete', {
        get: () => completed.has(replica.leaderEpoch),
        configurable: true,
      });
      replica.complete = () => void completed.add(replica.leaderEpoch);
      return leader;
    }),
  },
  {
    name: 'a partial push that replaces the list',
    rule: /invariant 3/,
    cores: () => ({
      client: (options) => {
        const core = realCores.client(options);
        tamperStep(core, (nowMs, event, real) => {
          if (event.type !== 'push') return real(nowMs, event);
          const push = event.push as Push;
          return real(nowMs, push.type === 'partial' ? { ...event, push: { ...push, type: 'snapshot' } } : event);
        });
        return core;
      },
    }),
    options: { data: 1, sessions: 3 },
    story: everythingIsNew,
  },
  {
    name: 'what a stale replica offers, shown',
    seeds: 80,
    rule: /invariant 9/,
    cores: without(({ held: { replicas } }) => {
      replicas.take = (slot) => {
        const { replica } = replicas.followed.get(slot)?.follower ?? { replica: replicas.left.get(slot) };
        replicas.followed.delete(slot);
        replicas.left.delete(slot);
        return replica;
      };
    }),
    options: { data: 3, sessions: 3, replicas: 3 },
    story: staleReplicaLeads,
  },
  {
    name: 'what was read from disk, shown before its owner has confirmed it',
    rule: /invariant 9/,
    cores: unconfirmed((rest, replica) => {
      for (const [dataInfoId] of rest.offered.hashes())
        for (const publication of rest.offered.publications(dataInfoId))
          replica.apply(0, { op: 'publish', publication }, 'disk');
    }),
    story: diskRemembers,
  },
  {
    name: 'a digest that confirms what was read from disk by its name alone',
    rule: /invariant 9/,
    cores: unconfirmed((rest) => {
      const confirm = rest.confirm.bind(rest);
      rest.confirm = (nowMs, replica, entry, incarnation) => {
        const { stamp = entry.stamp } = rest.offered.live(entry.dataInfoId, entry.registerId) ?? {};
        return confirm(nowMs, replica, { ...entry, stamp }, incarnation);
      };
    }),
    story: diskRemembers,
  },
  {
    name: 'STALE_REGISTRATION not handed to the client',
    seeds: 80,
    rule: /invariant 10|convergence/,
    cores: () => ({
      session: (options) =>
        tamper<SessionEvent, SessionEffect>(realCores.session(options), (effect) => {
          if (effect.type === 'notice') return (effect.notice as Notice).type === 'stale' ? [] : [effect];
          if (effect.type !== 'reply' || !('results' in effect.reply)) return [effect];
          const results = effect.reply.results.map((result) =>
            result.status === 'failed' && result.failure.code === 'STALE_REGISTRATION'
              ? { status: 'accepted' as const, registerId: result.registerId }
              : result,
          );
          return [{ ...effect, reply: { ...effect.reply, results } } as SessionEffect];
        }),
    }),
    story: clockSetBack,
  },
  {
    name: "a stale leader's acknowledgement taken",
    rule: /invariant 6/,
    cores: () => ({
      session: (options) => {
        const core = realCores.session(options);
        // Goes on with a leader whose leaderEpoch is over, and believes what it says.
        const { slots } = core as unknown as {
          slots: { makeSlot(slot: number): { isOpen: boolean; assign(...to: unknown[]): void } };
        };
        const makeSlot = slots.makeSlot.bind(slots);
        slots.makeSlot = (slot) => {
          const link = makeSlot(slot);
          const assign = link.assign.bind(link);
          link.assign = (...to) => (link.isOpen ? undefined : assign(...to));
          return link;
        };
        return core;
      },
    }),
  },
  {
    name: 'a leader that takes messages of other leaderEpochs',
    rule: /invariant [67]/,
    cores: without(({ held }) => {
      held.leaderFor = ({ slot }) => held.leadership.at(slot);
    }),
    seeds: 120,
  },
];
