import { MemoryDisk, MemoryLogStore } from '../memory-log-store.js';
import type { Configuration } from '../raft/contract.js';
import { toLogEntries } from '../raft/formats.js';
import { type Command, Group, type State, codec, machine } from '../raft/node-group.harness.js';
import { decodeBackup, encodeBackup } from './backup.js';
import { foundation, layFoundation, readImage, readLog } from './foundation.js';

const IDS = ['a', 'b', 'c'];
const NOBODY: Configuration = { voters: [], learners: [] };
const options = { machine, codec };

describe('what a log holds', () => {
  const proposal = (sequence: number, item: string): Uint8Array =>
    codec.encode({ client: 'client', sequence, command: { to: 'x', item } satisfies Command });
  const configuration: Configuration = { voters: IDS, learners: ['d'] };

  it('is the state after its last entry, who is in the group there, and what each client was answered', () => {
    const entries = toLogEntries([
      { kind: 'configuration', index: 1, term: 1, configuration },
      { kind: 'command', index: 2, term: 1, payload: proposal(1, 'first') },
      { kind: 'noop', index: 3, term: 4 },
      { kind: 'command', index: 4, term: 4, payload: proposal(2, 'second') },
    ]);
    const log = readLog({ term: 5, vote: 'b', snapshot: null, entries }, options, NOBODY);
    expect(log).toEqual({
      term: 5,
      vote: 'b',
      snapshotIndex: 0,
      position: { index: 4, term: 4, configuration },
      image: { state: { x: ['first', 'second'] }, clients: [['client', { sequence: 2, index: 4, result: 2 }]] },
    });
    const whole = foundation(log, { configuration, afterTerm: log.term }, codec);
    expect(whole).toMatchObject({ hardState: { term: 6, vote: null }, snapshot: { index: 5, term: 6 } });
    const again = readLog({ ...whole.hardState, snapshot: whole.snapshot, entries: [] }, options, NOBODY);
    expect(again).toMatchObject({ snapshotIndex: 5, position: { index: 5, term: 6, configuration }, image: log.image });
  });

  it('is, where there is nothing yet, the group that the node was made with', () => {
    const log = readLog({ term: 0, vote: null, snapshot: null, entries: [] }, options, configuration);
    expect(log).toMatchObject({ position: { index: 0, term: 0, configuration }, image: { state: {}, clients: [] } });
  });
});

describe('a group that is begun anew', () => {
  let group: Group;

  beforeEach(async () => {
    group = new Group(IDS, { snapshotEveryEntries: 5, retainedEntries: 2 });
    await group.start();
    for (let item = 1; item <= 8; item++) await group.propose(item);
    await group.converge();
  });

  afterEach(async () => {
    await group.stop();
    for (const { failure } of group.failures) throw failure;
  });

  /** What an operator does with the folder of the one that is left. */
  async function goOnAlone(id: string, era: number): Promise<void> {
    const store = new MemoryLogStore(group.disks.get(id));
    const log = readLog(await store.open(), options, NOBODY);
    const configuration = { voters: [id], learners: [], era };
    await layFoundation(store, foundation(log, { configuration, afterTerm: log.term }, codec));
    await store.close();
  }

  it('goes on alone where the others are lost, with all that the one had, and grows again', async () => {
    const leader = await group.leader();
    const [survivor, other] = IDS.filter((id) => id !== leader);
    const before = group.node(survivor!).status();
    for (const id of [leader, other!, survivor!]) group.kill(id);
    await goOnAlone(survivor!, 7);
    await group.start(survivor!);
    expect(await group.leader()).toBe(survivor);
    expect(group.node(survivor!).era).toBe(7);
    const alone = group.node(survivor!).status();
    expect(alone).toMatchObject({ configuration: { voters: [survivor], learners: [], era: 7 } });
    expect(alone.term).toBeGreaterThan(before.term);
    expect(await group.read()).toEqual({ x: [1, 2, 3, 4, 5, 6, 7, 8] });
    await group.propose(9);
    await group.start('d');
    await group.finish(group.node(survivor!).changeMembership({ type: 'addLearner', node: 'd' }));
    await group.converge();
    await group.env.run(100);
    await group.finish(group.node(survivor!).changeMembership({ type: 'promote', node: 'd' }));
    await group.converge();
    expect(group.node('d').status().configuration).toEqual({ voters: [survivor, 'd'], learners: [], era: 7 });
    expect((await group.states())[1]).toEqual({ x: [1, 2, 3, 4, 5, 6, 7, 8, 9] });
  });

  it('still knows what it has applied, so that nothing is applied twice', async () => {
    const leader = await group.leader();
    const twice = { to: 'y', item: 'once' };
    const first = await group.finish(group.node(leader).propose({ client: 'p', sequence: 1 }, twice));
    for (const id of IDS) group.kill(id);
    await goOnAlone(leader, 7);
    await group.start(leader);
    await group.leader();
    expect(await group.finish(group.node(leader).propose({ client: 'p', sequence: 1 }, twice))).toEqual(first);
    expect((await group.read()).y).toEqual(['once']);
  });

  it('is, wherever laying its foundation is cut off, what it was or what it was to be', async () => {
    const [id] = IDS;
    for (const each of IDS) group.kill(each);
    const original = group.disks.get(id!)!;
    const outcomes = new Set<string>();
    for (let nth = 1, failed = true; failed; nth++) {
      const disk = original.copy();
      const store = new MemoryLogStore(disk);
      const log = readLog(await store.open(), options, NOBODY);
      const configuration = { voters: [id!], learners: [], era: 7 };
      const before = JSON.stringify(log.position.configuration);
      disk.failWrite(nth);
      failed = await layFoundation(store, foundation(log, { configuration, afterTerm: log.term }, codec)).then(
        () => false,
        () => true,
      );
      disk.failWrite(Infinity);
      await store.close();
      const after = readLog(await new MemoryLogStore(disk).open(), options, NOBODY);
      expect(after.image).toEqual(log.image);
      const held = JSON.stringify(after.position.configuration);
      expect([before, JSON.stringify(configuration)]).toContain(held);
      outcomes.add(held === before ? 'old' : 'new');
      if (nth > 20) throw new Error('The write that was to fail never came.');
    }
    expect(outcomes).toEqual(new Set(['old', 'new']));
  });

  it('begins from a backup on empty disks, and forgets nothing that the backup held', async () => {
    const leader = group.node(await group.leader());
    const { position, image } = await group.finish(leader.capture(await group.finish(leader.readIndex())));
    const file = encodeBackup({ position, about: {}, image: codec.encode(image) });
    await group.propose('later');
    await group.stop();

    const restored = new Group(['x', 'y', 'z']);
    const backup = decodeBackup(file);
    const capture = { position: backup.position, image: readImage<Command, State, number>(backup, options) };
    const configuration = { voters: ['x', 'y', 'z'], learners: [], era: 9 };
    const begun = foundation(capture, { configuration, afterTerm: 0 }, codec);
    for (const id of ['x', 'y', 'z']) {
      const disk = new MemoryDisk();
      restored.disks.set(id, disk);
      const store = new MemoryLogStore(disk);
      await store.open();
      await layFoundation(store, begun);
      await store.close();
    }
    await restored.start();
    expect(await restored.read()).toEqual({ x: [1, 2, 3, 4, 5, 6, 7, 8] });
    // It knows the sequences of its clients, too.
    await expect(restored.propose('late')).rejects.toMatchObject({ code: 'BAD_REQUEST' });
    await restored.propose('after', 'y');
    await restored.converge();
    const after = { x: [1, 2, 3, 4, 5, 6, 7, 8], y: ['after'] };
    for (const state of await restored.states()) expect(state).toEqual(after);
    restored.kill(await restored.leader());
    await restored.leader();
    expect(await restored.read()).toEqual(after);
    await restored.stop();
  });
});

describe('a capture of the state', () => {
  it('holds what was acknowledged before it was asked for, on a follower too, and nothing that comes later', async () => {
    const group = new Group(IDS);
    await group.start();
    await group.propose('before');
    const leader = await group.leader();
    const follower = IDS.find((id) => id !== leader)!;
    const index = await group.finish(group.node(leader).readIndex());
    const captured = await group.finish(group.node(follower).capture(index));
    expect(captured).toMatchObject({
      position: { configuration: { voters: IDS } },
      image: { state: { x: ['before'] } },
    });
    expect(captured.position.index).toBeGreaterThanOrEqual(index);
    await group.propose('after');
    await group.converge();
    expect(captured.image.state).toEqual({ x: ['before'] });
    await expect(group.finish(group.node(follower).readIndex())).rejects.toMatchObject({ code: 'NOT_LEADER' });
    await group.stop();
    await expect(group.node(follower).capture(index)).rejects.toMatchObject({ code: 'SHUTTING_DOWN' });
  });
});
