import { type Cluster, type Cores, realCores } from '#sim';
import type { DataCore, DataStats } from '#registry';
import { tamperStep } from './defects/defect.js';
import { disagreement, untilConverged } from './invariants/convergence.js';
import { watched } from './watched.js';

const SERVICE = { dataId: 'user-service' };
/** Each side is compared with the leader this often by default; a round is over when that is answered, too. */
const ROUND_MS = 20_000 + 2_000;

/** Data servers whose next message of this kind loses its operations, while everything else about it is as it was. */
function losing(kind: 'operations' | 'replicate', plan: { due: boolean }): Partial<Cores> {
  return {
    data: (options) =>
      tamperStep(realCores.data(options), (nowMs, event, real) => {
        const { message } = event as { message?: { kind: string; operations: object[] } };
        if (!plan.due || message?.kind !== kind) return real(nowMs, event);
        plan.due = false;
        if (kind === 'replicate') {
          // As if they were of a datum that is forgotten at once.
          const lost = message.operations.map((operation) => ({
            ...operation,
            op: 'unpublish',
            ...forgotten(operation),
          }));
          return real(nowMs, { ...event, message: { ...message, operations: lost } } as never);
        }
        const { slot, leaderEpoch, sequence } = message as unknown as Record<string, number>;
        const { link } = event as { link: number };
        const results = message.operations.map(() => ({
          status: 'stored',
          stamp: [1, 1, 1],
          version: { leaderEpoch, sequence: 1 },
        }));
        const applied = { kind: 'applied', slot, leaderEpoch, sequence, results };
        return [{ type: 'send', link, message: applied } as never];
      }),
  };
}

function forgotten(operation: object): object {
  const { publication } = operation as { publication: { dataInfoId: string } };
  return { registerId: 'nobody', dataInfoId: publication.dataInfoId, stamp: [1, 1, 1], cause: 'unpublish' };
}

function stats({ data }: Cluster): Pick<DataStats, 'divergencesFound' | 'divergencesRepaired'> {
  const each = data.map(({ core }) => (core as DataCore).stats());
  const sum = (of: (one: DataStats) => number): number => each.reduce((total, one) => total + of(one), 0);
  return {
    divergencesFound: sum(({ divergencesFound }) => divergencesFound),
    divergencesRepaired: sum(({ divergencesRepaired }) => divergencesRepaired),
  };
}

/** A calm cluster in which something is published while the plan is due. */
function diverged(seed: number, kind: 'operations' | 'replicate'): Cluster {
  const plan = { due: false };
  const cluster = watched({ seed, data: 2, sessions: 2, clients: 2, slotCount: 8, cores: losing(kind, plan) });
  const [publishing, watching] = cluster.clients;
  watching!.subscribe(SERVICE);
  publishing!.publish({ ...SERVICE, data: ['http://10.0.0.1:80'] });
  untilConverged(cluster, 20_000);
  plan.due = true;
  publishing!.publish({ ...SERVICE, data: ['http://10.0.0.2:80'] });
  cluster.run(1_000);
  expect(plan.due).toBe(false);
  return cluster;
}

describe('a divergence that nobody has noticed', () => {
  it.each([1, 2, 3])('between a follower and its leader is found and repaired within a round (seed %i)', (seed) => {
    const cluster = diverged(seed, 'replicate');
    cluster.story(() => {
      expect(cluster.divergence()).toBeUndefined();
      expect(disagreement(cluster)).toMatch(/holds something else/);
      expect(stats(cluster)).toEqual({ divergencesFound: 0, divergencesRepaired: 0 });
      cluster.run(ROUND_MS);
      expect(disagreement(cluster)).toBeUndefined();
      expect(stats(cluster)).toEqual({ divergencesFound: 1, divergencesRepaired: 1 });
    });
  });

  it.each([1, 2, 3])('between a session server and the leader is, too (seed %i)', (seed) => {
    const cluster = diverged(seed, 'operations');
    cluster.story(() => {
      expect(cluster.divergence()).toMatch(/lacks/);
      expect(stats(cluster)).toEqual({ divergencesFound: 0, divergencesRepaired: 0 });
      cluster.run(ROUND_MS);
      untilConverged(cluster, 0);
      expect(stats(cluster)).toEqual({ divergencesFound: 1, divergencesRepaired: 1 });
    });
  });

  it('is none where everybody agrees: that is told of every slot, and costs no digest', () => {
    const digests: number[] = [];
    const cluster: Cluster = watched({
      ...{ seed: 4, data: 2, sessions: 2, clients: 3, slotCount: 8 },
      observers: [
        () => ({
          transit: ({ message }) => {
            if ((message as { kind?: string }).kind === 'digest') digests.push(cluster.nowMs);
          },
        }),
      ],
    });
    cluster.story(() => {
      const [publishing, ...watching] = cluster.clients;
      for (const client of watching) client.subscribe(SERVICE);
      const publisher = publishing!.publish({ ...SERVICE, data: ['http://10.0.0.1:80'] });
      untilConverged(cluster, 20_000);
      // By then the server that came second has its slots.
      cluster.run(ROUND_MS);
      const calmMs = cluster.nowMs;
      for (let round = 0; round < 3; round++) {
        publisher.republish([`http://10.0.0.1:${round}`]);
        cluster.run(ROUND_MS);
      }
      expect(digests.filter((atMs) => atMs > calmMs)).toEqual([]);
      const slots = cluster.data.flatMap(({ core }) => (core as DataCore).slots());
      expect(slots).toHaveLength(8);
      const isRecent = ({ agreedAgoMs }: { agreedAgoMs?: number }): boolean =>
        agreedAgoMs! >= 0 && agreedAgoMs! < ROUND_MS;
      for (const { followers, sessions } of slots) {
        expect(followers.map(isRecent)).toEqual([true]);
        expect(sessions.map(isRecent)).toEqual([true, true]);
      }
      expect(stats(cluster)).toEqual({ divergencesFound: 0, divergencesRepaired: 0 });
    });
  });
});
