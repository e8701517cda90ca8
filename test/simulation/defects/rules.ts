import type { Notice, Stamp } from '#model';
import type { SessionEffect, SessionEvent } from '#registry';
import { type Cores, realCores } from '#sim';
import { type Defect, tamper } from './defect.js';

type Publication = { stamp: Stamp; owner: { kind: string } };

/** What the rules are made of, as far as it is taken out here: the inside of a data server's core. */
interface Replica {
  leaderEpoch: number;
  isComplete: boolean;
  leaseHolders: { heldBy(incarnation: string): Iterable<Publication> };
  ownedBy(session: string, limit?: number): Publication[];
  complete(): void;
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
    leaderFor(named: { slot: number }): unknown;
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

/** The rules of the data tier, each taken out. */
export const RULE_DEFECTS: readonly Defect[] = [
  {
    name: 'removal by inference without the wait set',
    rule: /invariant [34]/,
    cores: beginning((begun, begin) => begin({ ...begun, waitFor: [] })),
  },
  {
    name: 'STALE_REGISTRATION not handed to the client',
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
  },
];
