import type { FromMeta, Push, Stamp } from '#model';
import {
  type ClientEffect,
  type ClientEvent,
  type DataEvent,
  type SessionEffect,
  type SessionEvent,
  metaStateMachine,
} from '#registry';
import { type Cores, realCores } from '#sim';
import { massLoss, oneAfterTheOther, pushesAreLost, standsStill } from '../stories.js';
import { type Defect, tamper, tamperAnswers, tamperStep } from './defect.js';

/** What could go wrong in a server or client as a whole, or in what they say to each other. */
export const BEHAVIOUR_DEFECTS: readonly Defect[] = [
  {
    name: 'a data server that calls itself complete before the sessions have reconciled',
    seeds: 80,
    rule: /invariant [34]/,
    cores: () => ({
      data: tamperAnswers((message) => [
        message.kind === 'datum' || message.kind === 'same' || message.kind === 'change'
          ? { ...message, complete: true }
          : message,
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
    name: 'a data server that takes what a session server holds for what it holds itself',
    rule: /invariant (4|10)/,
    cores: () => ({
      data: (options) =>
        tamperStep(realCores.data(options), (nowMs, event, real) => {
          const asked = event.type === 'received' && event.message.kind === 'interest' ? event.message : undefined;
          return real(nowMs, event).map((effect) => {
            if (effect.type !== 'send' || effect.message.kind !== 'datum' || !asked?.hash) return effect;
            const { publications: _, ...datum } = effect.message;
            return { ...effect, message: { ...datum, kind: 'same', hash: asked.hash } };
          });
        }),
    }),
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
    rule: /convergence|invariant ([236]|10)/,
    cores: () => ({
      data: (options) => {
        let messages = 0;
        return tamperStep(realCores.data(options), (nowMs, event, real) => {
          const asked = event.type === 'received' ? event.message : undefined;
          if (asked?.kind !== 'operations' || ++messages % 8 !== 0) return real(nowMs, event);
          const results = asked.operations.map((operation) => ({
            status: 'stored' as const,
            stamp: (operation.op === 'publish' ? operation.publication.stamp : operation.stamp) ?? ([1, 1, 1] as Stamp),
            version: { leaderEpoch: asked.leaderEpoch, sequence: 1 },
          }));
          const { slot, leaderEpoch, sequence } = asked;
          const link = (event as { link: number }).link;
          return [{ type: 'send', link, message: { kind: 'applied', slot, leaderEpoch, sequence, results } }];
        });
      },
    }),
  },
  {
    name: 'a client that replays with the stamps of its last connection',
    rule: /invariant 1/,
    cores: () => ({
      client: (options) => {
        const first = new Map<string, Stamp>();
        const core = realCores.client(options);
        tamper<ClientEvent, ClientEffect>(core, (effect) => {
          if (effect.type !== 'request' || effect.pattern !== 'registry.apply') return [effect];
          const { operations } = effect.payload as { operations: { registerId: string; stamp: Stamp }[] };
          const old = operations.map((operation) => {
            if (!first.has(operation.registerId)) first.set(operation.registerId, operation.stamp);
            return { ...operation, stamp: first.get(operation.registerId)! };
          });
          return [{ ...effect, payload: { operations: old } }];
        });
        return core;
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
    name: 'a session server whose deltas leave something out now and then',
    rule: /invariant 4/,
    cores: () => {
      let deltas = 0;
      return {
        session: (options) =>
          tamper<SessionEvent, SessionEffect>(realCores.session(options), (effect) => {
            if (effect.type !== 'push' || effect.frame.type !== 'delta' || ++deltas % 3 !== 0) return [effect];
            const { publications, hashes, removed } = effect.frame;
            const frame = { publications: publications.slice(1), hashes: hashes.slice(1), removed: removed.slice(1) };
            return [{ ...effect, frame: { ...effect.frame, ...frame } }];
          }),
      };
    },
  },
  {
    name: 'a client that applies a delta to whatever it holds',
    rule: /invariant 4/,
    cores: () => ({ client: losingDeltas(({ from: _from, hash: _hash, ...push }) => ({ ...push, type: 'partial' })) }),
    story: oneAfterTheOther,
  },
  {
    name: 'a client that does not tell who has left',
    rule: /told changes/,
    cores: () => ({
      client: (options) => {
        const core = realCores.client(options);
        tamper<ClientEvent, ClientEffect>(core, (effect) =>
          effect.type === 'changed' ? [{ ...effect, changes: { ...effect.changes, removed: [] } }] : [effect],
        );
        return core;
      },
    }),
  },
  {
    name: 'a session server that does not look for pushes which nobody has acknowledged',
    rule: /convergence/,
    cores: () => ({
      session: (options) => {
        const core = realCores.session(options);
        const { reads } = core as unknown as { reads: { pushes: { planner: { scan(): void } } } };
        reads.pushes.planner.scan = () => {};
        return core;
      },
    }),
    story: pushesAreLost,
  },
  {
    name: 'a data server that removes the publications of the many that are missed',
    rule: /protection/,
    cores: () => ({
      data: (options) =>
        tamperStep(realCores.data(options), (nowMs, event, real) => {
          const { message } = event as { message?: FromMeta };
          if (message?.kind !== 'table') return real(nowMs, event);
          const table = { ...message.table, protections: [] };
          return real(nowMs, { ...event, message: { ...message, table } } as DataEvent);
        }),
    }),
    options: { sessions: 4 },
    story: massLoss,
  },
  {
    name: 'a meta tier that takes a timeout for a death',
    rule: /proved deaths/,
    cores: () => ({
      meta: (options) =>
        tamperStep(realCores.meta(options), (nowMs, event, real) =>
          real(nowMs, event.type === 'dialFailed' ? { ...event, reason: 'refused' } : event),
        ),
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

type Delta = Push & { type: 'delta' };

/** A client that loses a delta now and then and says that it has it, and makes something else of the others. */
export function losingDeltas(change: (push: Delta) => Push = (push) => push): Cores['client'] {
  return (options) => {
    let deltas = 0;
    const core = realCores.client(options);
    tamperStep<ClientEvent, ClientEffect>(core, (nowMs, event, real) => {
      if (event.type !== 'push' || event.push.type !== 'delta') return real(nowMs, event);
      if (++deltas % 3 !== 0) return real(nowMs, { ...event, push: change(event.push) });
      const { connection, subscriptionId, push } = event;
      return [{ type: 'ack', connection, subscriptionId, version: push.version }];
    });
    return core;
  };
}
