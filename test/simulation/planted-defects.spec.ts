import type { Core, DataToSession, FromMeta, Stamp } from '#model';
import {
  type ClientEffect,
  type ClientEvent,
  type DataEffect,
  type DataEvent,
  type SessionEffect,
  type SessionEvent,
  metaStateMachine,
} from '#registry';
import { type Cluster, type Cores, realCores } from '#sim';
import { Schedule } from './schedule.js';
import { massLoss, standsStill } from './stories.js';
import { watched } from './watched.js';

/** A real core whose effects are tampered with. */
function tamper<Event, Effect>(core: Core<Event, Effect>, change: (effect: Effect) => Effect[]): Core<Event, Effect> {
  return { step: (nowMs, event) => core.step(nowMs, event).flatMap(change) };
}

function tamperAnswers(change: (message: DataToSession) => DataToSession[]): Cores['data'] {
  return (options) =>
    tamper<DataEvent, DataEffect>(realCores.data(options), (effect) =>
      effect.type === 'send' && !['join', 'heartbeat', 'leave'].includes(effect.message.kind)
        ? change(effect.message as DataToSession).map((message) => ({ ...effect, message }))
        : [effect],
    );
}

/** A defect that a change could bring in, and the rule that must find it. */
interface Defect {
  name: string;
  rule: RegExp;
  cores: () => Partial<Cores>;
  /** What has to happen for the defect to show; a random schedule unless given. */
  story?: (cluster: Cluster) => void;
  sessions?: number;
}

const DEFECTS: Defect[] = [
  {
    name: 'a data server that calls itself complete before the sessions have reconciled',
    rule: /invariant [34]/,
    cores: () => ({
      data: tamperAnswers((message) => [
        message.kind === 'datum' || message.kind === 'change' ? { ...message, complete: true } : message,
      ]),
    }),
  },
  {
    name: 'a session server that gives a lost connection no grace',
    rule: /invariant 3/,
    cores: () => ({ session: (options) => realCores.session({ ...options, limits: { graceMs: 0 } }) }),
  },
  {
    name: 'a data server that forgets a publication now and then',
    rule: /invariant [34]|convergence/,
    cores: () => {
      let answers = 0;
      return {
        data: tamperAnswers((message) => {
          if (message.kind !== 'datum' || !message.complete || ++answers % 5 !== 0) return [message];
          return [{ ...message, publications: message.publications.slice(1) }];
        }),
      };
    },
  },
  {
    name: 'a data server that sends some of its changes to nobody',
    rule: /convergence|invariant [34]/,
    cores: () => {
      let changes = 0;
      return {
        data: tamperAnswers((message) => (message.kind === 'change' && ++changes % 2 === 0 ? [] : [message])),
      };
    },
  },
  {
    name: 'a data server that acknowledges what it does not keep',
    rule: /convergence|invariant 3/,
    cores: () => ({
      data: (options) => {
        const core = realCores.data(options);
        let messages = 0;
        return {
          step: (nowMs, event) => {
            const asked = event.type === 'received' ? event.message : undefined;
            if (asked?.kind !== 'operations' || ++messages % 8 !== 0) return core.step(nowMs, event);
            const results = asked.operations.map((operation) => ({
              status: 'stored' as const,
              stamp:
                (operation.op === 'publish' ? operation.publication.stamp : operation.stamp) ?? ([1, 1, 1] as Stamp),
              version: { leaderEpoch: asked.leaderEpoch, sequence: 1 },
            }));
            const { slot, leaderEpoch, sequence } = asked;
            const link = (event as { link: number }).link;
            return [{ type: 'send', link, message: { kind: 'applied', slot, leaderEpoch, sequence, results } }];
          },
        };
      },
    }),
  },
  {
    name: 'a client that replays with the stamps of its last connection',
    rule: /invariant 1/,
    cores: () => ({
      client: (options) => {
        const first = new Map<string, Stamp>();
        return tamper<ClientEvent, ClientEffect>(realCores.client(options), (effect) => {
          if (effect.type !== 'request' || effect.pattern !== 'registry.apply') return [effect];
          const { operations } = effect.payload as { operations: { registerId: string; stamp: Stamp }[] };
          const old = operations.map((operation) => {
            if (!first.has(operation.registerId)) first.set(operation.registerId, operation.stamp);
            return { ...operation, stamp: first.get(operation.registerId)! };
          });
          return [{ ...effect, payload: { operations: old } }];
        });
      },
    }),
  },
  {
    name: 'a session server that pushes an old list once more',
    rule: /invariant 5/,
    cores: () => ({
      session: (options) => {
        const older = new Map<string, SessionEffect>();
        return tamper<SessionEvent, SessionEffect>(realCores.session(options), (effect) => {
          if (effect.type !== 'push' || effect.frame.type !== 'snapshot') return [effect];
          const key = `${effect.connection} ${effect.subscriptionId}`;
          const before = older.get(key);
          older.set(key, effect);
          return before ? [effect, before] : [effect];
        });
      },
    }),
  },
  {
    name: 'a data server that removes the publications of the many that are missed',
    rule: /protection/,
    cores: () => ({
      data: (options) => {
        const core = realCores.data(options);
        return {
          step: (nowMs, event) => {
            const { message } = event as { message?: FromMeta };
            if (message?.kind !== 'table') return core.step(nowMs, event);
            const table = { ...message.table, protections: [] };
            return core.step(nowMs, { ...event, message: { ...message, table } } as DataEvent);
          },
        };
      },
    }),
    sessions: 4,
    story: massLoss,
  },
  {
    name: 'a meta tier that takes a timeout for a death',
    rule: /proved deaths/,
    cores: () => ({
      meta: (options) => {
        const core = realCores.meta(options);
        return {
          step: (nowMs, event) =>
            core.step(nowMs, event.type === 'dialFailed' ? { ...event, reason: 'refused' } : event),
        };
      },
    }),
    story: (cluster) => standsStill(cluster, 'data-1'),
  },
  {
    name: 'a meta tier that changes a leader without a new leaderEpoch',
    rule: /invariant 7/,
    cores: () => ({
      machine: () => ({
        ...metaStateMachine,
        apply: (state, command) => {
          const applied = metaStateMachine.apply(state, command);
          const { table } = applied.state;
          const slots = table.slots.map((slot) => ({ ...slot, leaderEpoch: Math.min(slot.leaderEpoch, 1) }));
          return { ...applied, state: { ...applied.state, table: { ...table, slots } } };
        },
      }),
    }),
  },
];

function randomStory(cluster: Cluster): void {
  const schedule = new Schedule(cluster, () => {});
  schedule.run(30_000, 250);
  schedule.mend();
  cluster.untilConverged(30_000);
  cluster.run(15_000);
  schedule.calm();
}

/** Runs seeds with the defect until something objects. */
function firstObjection({ cores, sessions = 2, story = randomStory }: Defect, seeds: number): string {
  for (let seed = 1; seed <= seeds; seed++) {
    const cluster = watched({ seed, data: 2, sessions, clients: 4, slotCount: 8, cores: cores() });
    try {
      cluster.story(() => {
        cluster.run(500);
        story(cluster);
      });
    } catch (error) {
      return (error as Error).message.split('\n')[0]!;
    }
  }
  return `nothing, in ${seeds} seeds`;
}

describe('the net catches', () => {
  it.each(DEFECTS)('$name', (defect) => {
    expect(firstObjection(defect, 20)).toMatch(defect.rule);
  });
});
