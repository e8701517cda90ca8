import { seededRandom } from '#model';
import { Group } from './group.harness.js';

/** Of MIT's course 6.824, lab 2D: snapshots all the time, whatever else happens. */
const IDS = ['n1', 'n2', 'n3'];
const EVERY = 8;

/** Proposals, a snapshot on each node after every so many, and one victim that is cut off or crashed again and again. */
function run(seed: number, victimise: 'nothing' | 'cut' | 'crash', loss: number): { group: Group; installed: number } {
  const random = seededRandom(seed);
  const group = new Group(IDS, { seed, jitterMs: loss > 0 ? 20 : 0, limits: { retainedEntries: 0 } });
  const expected: string[] = [];
  group.elect();
  group.loss = loss;
  const agree = (text: string): void => {
    for (;;) {
      group.until(() => group.leader !== undefined);
      if (group.settle(group.propose(text)).ok) break;
    }
    expected.push(text);
    for (const id of group.running) if (group.status(id).applied % EVERY === 0) group.snapshotIfAny(id);
  };
  for (let turn = 0; turn < 12; turn++) {
    group.until(() => group.leader !== undefined);
    const leader = group.leader!;
    // A follower, or the leader itself.
    const victim = turn % 3 === 1 ? leader : IDS.find((id) => id !== leader)!;
    if (victimise === 'cut') group.isolate(victim);
    if (victimise === 'crash') group.crash(victim);
    for (let i = 0; i < EVERY + Math.floor(random() * EVERY); i++) agree(`${turn}.${i}`);
    for (const id of group.running) group.snapshotIfAny(id);
    group.heal();
    if (victimise === 'crash') group.start(victim);
    // Sometimes it has not caught up when the next turn begins.
    group.run(random() * 400);
  }
  group.loss = 0;
  group.until(() => group.leader !== undefined);
  agree('end');
  group.until(() => IDS.every((id) => group.member(id).state.at(-1) === 'end'));
  for (const id of IDS) expect([...new Set(group.member(id).state)]).toEqual(expected);
  return { group, installed: group.logs.filter((line) => line.endsWith('snapshot-received')).length };
}

describe.each([
  ['a reliable', 0],
  ['an unreliable', 0.1],
])('over %s network', (_, loss) => {
  it('agrees while every node drops its log (snapshot basic)', () => {
    const { group } = run(1, 'nothing', loss);
    for (const id of IDS) expect(group.status(id).first).toBeGreaterThan(80);
  });

  it('brings back by a snapshot who was cut off (snapshot install)', () => {
    for (let seed = 1; seed <= 4; seed++) expect(run(seed, 'cut', loss).installed).toBeGreaterThan(5);
  });

  it('brings back by a snapshot who crashed (snapshot install crash)', () => {
    for (let seed = 1; seed <= 4; seed++) expect(run(seed, 'crash', loss).installed).toBeGreaterThan(5);
  });
});

it('goes on after all have crashed, on snapshots alone (snapshot all crash)', () => {
  const group = new Group(IDS, { limits: { retainedEntries: 0 } });
  const expected: string[] = [];
  for (let turn = 0; turn < 6; turn++) {
    group.elect();
    for (let i = 0; i < EVERY; i++) {
      expect(group.settle(group.propose(`${turn}.${i}`)).ok).toBe(true);
      expected.push(`${turn}.${i}`);
    }
    group.run(50);
    // A log without entries, and one with some behind the snapshot.
    for (const id of turn % 2 === 0 ? IDS : IDS.slice(1)) group.snapshotIfAny(id);
    for (const id of IDS) group.crash(id);
    for (const id of IDS) group.start(id);
    const restored = IDS.map((id) => group.member(id).state.length);
    expect(Math.max(...restored)).toBe(expected.length);
  }
  group.elect();
  group.settle(group.propose('end'));
  group.run(100);
  for (const id of IDS) expect(group.member(id).state).toEqual([...expected, 'end']);
});
