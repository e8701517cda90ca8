import * as fc from 'fast-check';
import type { LeaderToReplica, LinkId, Publication, ReplicaToLeader, Stamp } from '#model';
import { publication } from '../data-world.harness.js';
import { DurableDisk } from '../durable/durable-disk.js';
import { DATA_LIMITS } from '../limits.js';
import { SlotReplica } from '../slot-replica.js';
import { type FollowerCounters, SlotFollower } from './follower-side.js';
import { Replication, type ReplicationLimits } from './leader-side.js';

function makeReplica(): SlotReplica {
  return new SlotReplica({ slot: 0, leaderEpoch: 7, tombstoneMs: 600_000, intern: (text) => text });
}

/** A leader and one follower, with the messages between them in the hands of the test. */
class Pair {
  readonly leader = makeReplica();
  readonly replica = makeReplica();
  readonly counters: FollowerCounters = {
    divergencesFound: 0,
    divergencesRepaired: 0,
    publicationsAskedFor: 0,
    publicationsCopied: 0,
  };
  readonly replication: Replication;
  readonly follower = new SlotFollower(this.replica, 'd1', 7, this.counters, new DurableDisk(undefined));
  readonly sent: LeaderToReplica[] = [];
  nowMs = 0;
  private link: LinkId = 1;
  private toFollower: LeaderToReplica[] = [];
  private toLeader: ReplicaToLeader[] = [];

  constructor(limits: Partial<ReplicationLimits> = {}) {
    this.replication = new Replication(this.leader, { ...DATA_LIMITS, ...limits });
  }

  private readonly out = {
    push: ({ message }: { message: LeaderToReplica }): void => {
      this.sent.push(message);
      this.toFollower.push(message);
    },
  };

  connect(): this {
    this.toLeader.push(this.follower.follow());
    return this;
  }

  /** What is under way is lost; the follower comes back over another link. */
  reconnect(): this {
    this.replication.dropLink(this.link++);
    this.toFollower = [];
    this.toLeader = [];
    return this.connect();
  }

  publish(registerId: string, version: number, fields: Partial<Publication> = {}): this {
    const stamp: Stamp = [1, version, 1];
    this.leader.apply(
      this.nowMs,
      { op: 'publish', publication: { ...publication(registerId, 's1'), ...fields, stamp } },
      's1',
    );
    return this;
  }

  remove(registerId: string, version: number, dataInfoId = publication('', '').dataInfoId): this {
    this.leader.apply(
      this.nowMs,
      { op: 'unpublish', registerId, dataInfoId, stamp: [1, version, 1], cause: 'unpublish' },
      's1',
    );
    return this;
  }

  flush(): this {
    this.replication.flush(this.out);
    return this;
  }

  /** Delivers at most this many messages each way, in turns. */
  deliver(turns = Infinity): this {
    this.flush();
    for (let turn = 0; turn < turns && (this.toLeader.length > 0 || this.toFollower.length > 0); turn++) {
      const said = this.toLeader.shift();
      if (said?.kind === 'follow') this.replication.follow(this.nowMs, this.link, 'd2', said, this.out);
      else if (said?.kind === 'replicated') this.replication.acknowledged(this.nowMs, this.link, said, this.out);
      const told = this.toFollower.shift();
      const answer = told && this.follower.receive(this.nowMs, told);
      if (answer) this.toLeader.push(answer);
    }
    return this;
  }

  kinds(): string[] {
    return this.sent.splice(0).map(({ kind }) => kind);
  }

  get leads(): unknown {
    return contents(this.leader);
  }

  get follows(): unknown {
    return contents(this.replica);
  }
}

function contents(replica: SlotReplica): unknown {
  const datums = new Map(
    [...replica.hashes()].toSorted().map(([id]) => {
      const { publications, removals } = replica.export(id)!;
      const live = new Map(publications.map((each) => [each.registerId, each]));
      return [
        id,
        { live, removed: new Set(removals.map(({ registerId, stamp }) => `${registerId} ${stamp.join('.')}`)) },
      ];
    }),
  );
  return { datums, hash: replica.hash, publications: replica.publicationCount };
}

describe('replication of a slot', () => {
  it('gives a follower what it lacks and takes from it what is too much, then streams every operation', () => {
    const pair = new Pair().publish('a', 1).publish('b', 1);
    pair.replica.apply(0, { op: 'publish', publication: { ...publication('ghost', 's9'), dataInfoId: 'gone' } }, 's9');
    pair.connect().deliver();
    expect(pair.kinds()).toEqual(['replica']);
    expect(pair.follows).toEqual(pair.leads);
    pair.publish('c', 1).remove('a', 2).publish('b', 2).deliver();
    expect(pair.kinds()).toEqual(['replicate']);
    expect(pair.follows).toEqual(pair.leads);
    expect(pair.replication.hasAll('d2')).toBe(true);
  });

  it('sends nothing of what is the same already', () => {
    const pair = new Pair().publish('a', 1).publish('x', 1, { dataInfoId: 'other' }).connect().deliver();
    pair.kinds();
    pair.publish('b', 1).reconnect().deliver();
    expect(pair.sent).toMatchObject([{ kind: 'replica', datums: [{ publications: [{}, {}] }], gone: [] }]);
    expect(pair.follows).toEqual(pair.leads);
  });

  it('streams what happened while a follower is still being given the rest, in bounded parts', () => {
    const pair = new Pair({ messageBytes: 500 });
    for (let i = 0; i < 20; i++) pair.publish('a', 1, { dataInfoId: `datum-${i}` });
    pair.connect().deliver(3);
    pair.publish('a', 2, { dataInfoId: 'datum-0' }).remove('a', 2, 'datum-19').publish('b', 1, { dataInfoId: 'new' });
    expect(pair.replication.hasAll('d2')).toBe(false);
    pair.deliver();
    const kinds = pair.kinds();
    expect(kinds.filter((kind) => kind === 'replica').length).toBeGreaterThan(5);
    expect(kinds.at(-1)).toBe('replicate');
    expect(pair.follows).toEqual(pair.leads);
  });

  it('holds back what a slow follower has not acknowledged room for, and says how far it is behind', () => {
    const pair = new Pair({ unackedOperations: 3 }).connect().deliver();
    pair.nowMs = 1_000;
    for (let i = 1; i <= 10; i++) pair.publish('a', i);
    pair.flush();
    expect(pair.sent.at(-1)).toMatchObject({ kind: 'replicate', first: 1, operations: [{}, {}, {}] });
    expect(pair.replication.lags(1_250)).toEqual([{ incarnation: 'd2', streaming: true, operations: 10, lagMs: 250 }]);
    pair.deliver();
    expect(pair.replication.lags(2_000)).toMatchObject([{ operations: 0, lagMs: 0 }]);
    expect(pair.follows).toEqual(pair.leads);
  });

  it('lets a follower begin anew that needs operations which are no longer kept', () => {
    const pair = new Pair({ retainedOperations: 4, unackedOperations: 2 }).connect().deliver();
    pair.kinds();
    for (let i = 1; i <= 20; i++) pair.publish(`p${i}`, 1).flush();
    pair.deliver();
    expect(pair.kinds()).toEqual(['replicate', 'replicate', 'followAnew', 'replica']);
    expect(pair.follows).toEqual(pair.leads);
  });

  it('sends nothing more to one that is to follow no longer, nor keeps anything for it', () => {
    const pair = new Pair().connect().deliver();
    pair.kinds();
    const out = pair['out'];
    pair.replication.keep(new Set(['d2']), out);
    expect(pair.publish('a', 1).deliver().kinds()).toEqual(['replicate']);
    pair.replication.keep(new Set(['d3']), out);
    expect(pair.publish('a', 2).flush().kinds()).toEqual(['followAnew']);
    expect(pair.replication.lags(0)).toEqual([]);
    expect(pair.leader.journal).toBeUndefined();
    // It does follow, by a table that the leader does not have yet.
    expect(pair.deliver().kinds()).toEqual(['replica']);
    expect(pair.follows).toEqual(pair.leads);
  });

  it('finds a planted difference at the next comparison, mends it, and counts both', () => {
    const pair = new Pair({ compareReplicasMs: 1_000 }).publish('a', 1).publish('b', 1).connect().deliver();
    pair.replica.drop(publication('', '').dataInfoId);
    pair.nowMs = 1_500;
    pair.replication.compare(pair.nowMs, pair['out']);
    pair.deliver();
    expect(pair.counters).toMatchObject({ divergencesFound: 1, divergencesRepaired: 1 });
    expect(pair.follows).toEqual(pair.leads);
    pair.nowMs = 3_000;
    pair.replication.compare(pair.nowMs, pair['out']);
    pair.deliver();
    expect(pair.counters.divergencesFound).toBe(1);
  });

  it('tells bodies, owners and zones apart, not only stamps', () => {
    const hashes = new Set(
      [
        {},
        { body: new Uint8Array([1, 2, 4]) },
        { zone: 'z2' },
        { appName: 'other' },
        { owner: { kind: 'leased' as const, leaseMs: 1_000 } },
        { owner: { kind: 'connected' as const, session: 's1', connection: 2 } },
      ].map((fields) => new Pair().publish('a', 1, fields).leader.hash),
    );
    expect(hashes.size).toBe(6);
    expect(new Pair().publish('a', 1).remove('a', 2).leader.hash).toBe(makeReplica().hash);
  });

  it('keeps no operations while nobody follows', () => {
    const pair = new Pair().connect().deliver();
    pair.publish('a', 1).reconnect();
    pair.replication.dropLink(2);
    expect(pair.leader.journal).toBeUndefined();
  });

  it('ends with equal replicas, whatever happens on the way', () => {
    const step = fc.oneof(
      {
        weight: 6,
        arbitrary: fc.record({
          do: fc.constant('publish' as const),
          id: fc.nat(5),
          datum: fc.nat(3),
          version: fc.nat(8),
        }),
      },
      {
        weight: 3,
        arbitrary: fc.record({
          do: fc.constant('remove' as const),
          id: fc.nat(5),
          datum: fc.nat(3),
          version: fc.nat(8),
        }),
      },
      { weight: 4, arbitrary: fc.record({ do: fc.constant('deliver' as const), turns: fc.nat(4) }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant('reconnect' as const) }) },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const pair = new Pair({ retainedOperations: 6, unackedOperations: 3, messageBytes: 300 }).connect();
        for (const each of steps) {
          if (each.do === 'publish') pair.publish(`p${each.id}`, each.version, { dataInfoId: `d${each.datum}` });
          else if (each.do === 'remove') pair.remove(`p${each.id}`, each.version, `d${each.datum}`);
          else if (each.do === 'deliver') pair.deliver(each.turns);
          else pair.reconnect();
        }
        pair.deliver();
        expect(pair.follows).toEqual(pair.leads);
        expect(pair.replication.hasAll('d2')).toBe(true);
      }),
      { numRuns: 400 },
    );
  });
});
