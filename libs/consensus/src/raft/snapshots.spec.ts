import type { RaftMessage, SnapshotMeta } from './contract.js';
import { append, Driven, noop, terms } from './core.harness.js';
import { Group } from './group.harness.js';
import { bytes } from './member.harness.js';

const three = { voters: ['n1', 'n2', 'n3'], learners: [] };
const meta: SnapshotMeta = { index: 9, term: 2, configuration: three };
const chunk = (offset: number, last = false, of = meta, term = 3): RaftMessage => ({
  kind: 'snapshot',
  term,
  meta: of,
  offset,
  bytes: bytes('12345'),
  last,
  round: 1,
});
const snapshotAnswer = (nextOffset: number, term = 3): RaftMessage => ({
  kind: 'snapshotAnswer',
  term,
  index: 9,
  nextOffset,
  round: 1,
});

describe('a snapshot being received', () => {
  const node = (): Driven => new Driven({ term: 3, vote: 'n2', entries: terms(1, 1) });

  it('is stored chunk by chunk, each answered when it is stored', () => {
    const follower = node();
    expect(follower.receive('n2', chunk(0))).toEqual(['store snapshot 9@2 offset 0']);
    expect(follower.sync()).toEqual(['> n2 snapshot 9 next 5']);
    follower.receive('n2', chunk(5));
    expect(follower.sync()).toEqual(['> n2 snapshot 9 next 10']);
    expect(follower.receive('n2', chunk(10, true))).toEqual(['store snapshot 9@2 offset 10 last']);
    expect(follower.sync()).toEqual(['> n2 matched 9 in 3']);
    expect(follower.status).toMatchObject({ commit: 9, applied: 9, first: 10, last: 9 });
  });

  it('changes nothing before its last chunk', () => {
    const follower = node();
    follower.receive('n2', chunk(0));
    follower.sync();
    expect(follower.status).toMatchObject({ commit: 0, first: 1, last: 2 });
  });

  it('is stored without holes and in order', () => {
    const follower = node();
    expect(follower.receive('n2', chunk(5))).toEqual(['> n2 snapshot 9 next 0']);
    follower.receive('n2', chunk(0));
    follower.sync();
    expect(follower.receive('n2', chunk(0))).toEqual(['> n2 snapshot 9 next 5']);
    expect(follower.receive('n2', chunk(10, true))).toEqual(['> n2 snapshot 9 next 5']);
  });

  it('begins anew with another leader, or another snapshot', () => {
    const follower = node();
    follower.receive('n2', chunk(0));
    follower.sync();
    follower.receive('n3', chunk(5, false, meta, 4));
    expect(follower.sync()).toEqual(['> n3 snapshot 9 next 0']);
    expect(follower.receive('n3', chunk(0, false, meta, 4))).toEqual(['store snapshot 9@2 offset 0']);
    follower.sync();
    expect(follower.receive('n3', chunk(0, false, { ...meta, index: 12 }, 4))).toEqual([
      'store snapshot 12@2 offset 0',
    ]);
  });

  it('lets entries follow while it is being installed, and applies them after it', () => {
    const follower = node();
    expect(follower.receive('n2', chunk(0, true))).toEqual(['store snapshot 9@2 offset 0 last']);
    const next = append(3, { previousIndex: 9, previousTerm: 2, entries: [noop(10, 3)], commit: 10 });
    expect(follower.receive('n2', next)).toEqual(['write 10@3']);
    // A disk that has not installed it says what it said before.
    expect(follower.receive('n2', append(3, { previousIndex: 10, previousTerm: 3, commit: 10 }))).toEqual([
      '> n2 matched 0 in 3',
    ]);
    expect(follower.sync(1)).toEqual(['> n2 matched 9 in 3']);
    expect(follower.sync()).toEqual(['> n2 matched 10 in 3', 'apply 10@3']);
  });

  it('does not stand for election while it is being installed', () => {
    const follower = node();
    follower.receive('n2', chunk(0, true));
    expect(follower.pass(5_000)).toEqual([]);
    follower.sync();
    expect(follower.timeOut()).toEqual(['> n2 preVote 4 last 9@2', '> n3 preVote 4 last 9@2']);
  });

  it('is not needed where the log has it all', () => {
    const follower = new Driven({ term: 3, entries: terms(1, 1, 1, 1, 1, 1, 1, 2, 2, 2) });
    const lines = follower.receive('n2', chunk(0));
    expect(lines[0]).toBe('> n2 matched 9 in 3');
    expect(follower.status).toMatchObject({ commit: 9, first: 1, last: 10 });
    expect(follower.receive('n2', chunk(0, false, { ...meta, index: 4, term: 1 }))).toEqual(['> n2 matched 9 in 3']);
  });

  it('replaces a log of another history', () => {
    const follower = new Driven({ term: 3, entries: terms(1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1) });
    follower.receive('n2', chunk(0, true));
    follower.sync();
    expect(follower.status).toMatchObject({ first: 10, last: 9, commit: 9 });
    expect(follower.receive('n2', append(3, { previousIndex: 9, previousTerm: 2, entries: [noop(10, 3)] }))).toEqual([
      'write 10@3',
    ]);
  });
});

describe('a snapshot being sent', () => {
  /** A leader whose log begins at 10, and whose peer n3 has nothing. */
  const leader = (): Driven => {
    const node = new Driven({ term: 2, snapshot: meta, entries: [noop(10, 2)] });
    node.lead();
    node.acknowledge('n2', 11);
    return node;
  };
  const conflict: RaftMessage = {
    kind: 'appendAnswer',
    term: 3,
    round: 1,
    matched: 0,
    conflict: { index: 0, term: 0 },
  };
  const read = (node: Driven, offset: number, last = false, of = meta): string[] =>
    node.step({ type: 'chunk', to: 'n3', meta: of, offset, bytes: bytes('12345'), last });

  it('begins when the peer needs what is gone, and goes chunk by chunk', () => {
    const node = leader();
    expect(node.receive('n3', conflict)).toEqual(['read chunk for n3 snapshot 9@2 offset 0']);
    expect(node.status.peers[1]).toMatchObject({ id: 'n3', state: 'snapshot' });
    expect(read(node, 0)).toEqual(['> n3 snapshot 9@2 offset 0']);
    expect(node.receive('n3', snapshotAnswer(5))).toEqual(['read chunk for n3 snapshot 9@2 offset 5']);
    expect(node.receive('n3', snapshotAnswer(5))).toEqual([]);
    expect(read(node, 5, true)).toEqual(['> n3 snapshot 9@2 offset 5 last']);
    expect(node.acknowledge('n3', 9)).toEqual(['> n3 append 3 after 9@2 [10@2, 11@3] commit 11']);
    expect(node.status.peers[1]).toMatchObject({ state: 'replicate', matched: 9 });
  });

  it('begins also for a peer that has another entry where the log begins', () => {
    const node = leader();
    expect(node.receive('n3', { ...conflict, conflict: { index: 9, term: 1 } } as RaftMessage)).toEqual([
      'read chunk for n3 snapshot 9@2 offset 0',
    ]);
  });

  it('goes on with heartbeats that verify nothing, and sends no entries meanwhile', () => {
    const node = leader();
    node.receive('n3', conflict);
    read(node, 0);
    const toN3 = (lines: string[]): string[] => lines.filter((line) => line.startsWith('> n3'));
    expect(toN3(node.propose('x'))).toEqual([]);
    expect(toN3(node.pass(50))).toEqual(['> n3 append 3 after 0@0 [] commit 11']);
  });

  it('repeats a chunk that was lost', () => {
    const node = leader();
    node.receive('n3', conflict);
    read(node, 0);
    const lines: string[] = [];
    for (let round = 2; round < 16; round++) {
      lines.push(...node.pass(50));
      node.acknowledge('n2', 11, round);
      node.acknowledge('n3', 0, round);
    }
    expect(lines.filter((line) => line.startsWith('read'))).toEqual(['read chunk for n3 snapshot 9@2 offset 0']);
    expect(read(node, 0)).toEqual(['> n3 snapshot 9@2 offset 0']);
  });

  it('does not go to a peer that has fallen silent, until it speaks', () => {
    const node = new Driven({ limits: { retainedEntries: 0 } });
    node.lead();
    node.acknowledge('n2', 2);
    node.acknowledge('n3', 2);
    const lines: string[] = [];
    for (let round = 2; round < 20; round++) {
      lines.push(...node.propose(`${round}`, round), ...node.sync());
      lines.push(...node.acknowledge('n2', node.status.last, round - 1), ...node.pass(50));
      const { commit: index } = node.status;
      node.step({ type: 'applied', index });
      // As long as it has been heard lately, it would be given one.
      if (node.status.peers[1]!.active) continue;
      node.step({ type: 'compacted', meta: { index, term: 1, configuration: three } });
    }
    expect(node.status.first).toBeGreaterThan(15);
    expect(lines.filter((line) => line.startsWith('read chunk'))).toEqual([]);
    expect(node.acknowledge('n3', 2, 19)).toEqual([expect.stringMatching(/^read chunk for n3 snapshot /)]);
  });

  it('does not go to a peer that is not there', () => {
    const node = leader();
    const lines: string[] = [];
    for (let round = 2; round < 50; round++) {
      lines.push(...node.pass(50));
      node.acknowledge('n2', 11, round);
    }
    expect(lines.filter((line) => line.includes('snapshot'))).toEqual([]);
  });

  it('goes over to a newer one where the host has no other', () => {
    const node = leader();
    node.receive('n3', conflict);
    const newer = { ...meta, index: 11, term: 3 };
    expect(read(node, 0, false, newer)).toEqual(['> n3 snapshot 11@3 offset 0']);
    node.receive('n3', { ...snapshotAnswer(5), index: 11 } as RaftMessage);
    const newest = { ...meta, index: 12, term: 3 };
    expect(read(node, 0, false, newest)).toEqual(['> n3 snapshot 12@3 offset 0']);
    expect(read(node, 5, false, meta)).toEqual([]);
  });
});

describe('compaction', () => {
  it('keeps some entries for peers that are a little behind', () => {
    const group = new Group(['n1', 'n2', 'n3'], { limits: { retainedEntries: 5 } });
    const leader = group.elect();
    const behind = group.running.find((id) => id !== leader)!;
    group.run(100);
    group.isolate(behind);
    for (let i = 0; i < 4; i++) group.settle(group.propose(`${i}`));
    group.run(50);
    group.snapshot(leader);
    expect(group.status(leader)).toMatchObject({ first: 2, last: 6 });
    group.heal();
    group.run(200);
    expect(group.member(behind).state).toEqual(['0', '1', '2', '3']);
    expect(group.sent.some(({ message }) => message.kind === 'snapshot')).toBe(false);
  });

  const compacted = (seed = 1): { group: Group; leader: string; behind: string } => {
    const group = new Group(['n1', 'n2', 'n3'], { seed, limits: { retainedEntries: 0 } });
    const leader = group.elect();
    const behind = group.running.find((id) => id !== leader)!;
    group.run(100);
    group.isolate(behind);
    for (let i = 0; i < 30; i++) group.settle(group.propose(`command ${i}`));
    group.run(100);
    group.snapshot(leader);
    return { group, leader, behind };
  };

  it('makes a peer that needs what is gone take the snapshot, and then what follows', () => {
    const { group, leader, behind } = compacted();
    group.heal();
    group.settle(group.propose('after'));
    group.until(() => group.member(behind).state.at(-1) === 'after');
    expect(group.member(behind).state).toEqual(group.member(leader).state);
    expect(group.status(behind).first).toBe(33);
  });

  it('does so over a network that loses, and through crashes in the middle of it', () => {
    for (let seed = 1; seed <= 15; seed++) {
      const { group, behind } = compacted(seed);
      group.heal();
      group.loss = 0.1;
      for (let i = 0; i < 6; i++) {
        group.run(3 + seed);
        group.restart(behind);
        const { state } = group.member(behind);
        expect([0, 30]).toContain(state.length);
      }
      group.until(() => group.member(behind).state.length === 30, 60_000);
    }
  });

  it('survives a restart of everybody', () => {
    const { group, behind } = compacted();
    group.heal();
    group.until(() => group.member(behind).state.length === 30);
    for (const id of group.running) group.snapshot(id);
    for (const id of group.running) group.crash(id);
    for (const id of ['n1', 'n2', 'n3']) group.start(id);
    group.elect();
    group.settle(group.propose('after'));
    group.run(100);
    for (const id of group.running) expect(group.member(id).state).toHaveLength(31);
  });

  it('brings a new node into a group whose log is gone', () => {
    const { group } = compacted();
    group.start('n4');
    expect(group.settle(group.change('addLearner', 'n4')).ok).toBe(true);
    group.until(() => group.member('n4').state.length === 30);
    // The leader hears of it a moment later.
    group.run(50);
    expect(group.settle(group.change('promote', 'n4')).ok).toBe(true);
  });

  it('ignores a snapshot older than the one there is, or ahead of what was handed out', () => {
    const node = new Driven({ term: 2, snapshot: meta, entries: [noop(10, 2)], limits: { retainedEntries: 0 } });
    node.step({ type: 'compacted', meta: { ...meta, index: 4 } });
    node.step({ type: 'compacted', meta: { ...meta, index: 10 } });
    expect(node.status).toMatchObject({ first: 10, last: 10 });
  });
});
