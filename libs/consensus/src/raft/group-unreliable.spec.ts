import { type Random, seededRandom } from '#model';
import { Group, type GroupOptions } from './group.harness.js';

/**
 * Of MIT's course 6.824, labs 2B and 2C: what must hold while nothing is reliable. The harness checks at every step that
 * no term has two leaders and that all apply the same.
 */
const FIVE = ['n1', 'n2', 'n3', 'n4', 'n5'];

interface Trial {
  group: Group;
  random: Random;
  propose(text: string, id?: string): void;
  /** Ends every fault and demands that all agree, and that nothing acknowledged is missing. */
  conclude(): void;
}

function begin(seed: number, options: GroupOptions = {}): Trial {
  const group = new Group(FIVE, { seed, ...options });
  const proposed = new Map<number, string>();
  return {
    group,
    random: seededRandom(seed),
    propose: (text, id) => {
      proposed.set(group.propose(text, id), text);
    },
    conclude: () => {
      group.loss = 0;
      group.heal();
      for (const id of FIVE) if (!group.running.includes(id)) group.start(id);
      const end = (): boolean => {
        group.until(() => group.leader !== undefined);
        return group.settle(group.propose('end')).ok;
      };
      while (!end());
      group.until(() => FIVE.every((id) => group.member(id).state.at(-1) === 'end'));
      const { state } = group.member('n1');
      for (const id of FIVE) expect(group.member(id).state).toEqual(state);
      const told = [...proposed].filter(([call]) => group.outcomes.get(call)?.ok).map(([, text]) => text);
      expect(told.length).toBeGreaterThan(0);
      expect(state).toEqual(expect.arrayContaining(told));
      expect(new Set(state.filter((text) => text !== 'end')).size).toBe(state.filter((text) => text !== 'end').length);
    },
  };
}

const leaders = (group: Group): string[] => group.running.filter((id) => group.status(id).role === 'leader');

it('agrees on everything that is proposed while messages are lost, late and reordered (unreliable agree)', () => {
  for (let seed = 1; seed <= 3; seed++) {
    const { group, propose, conclude } = begin(seed, { jitterMs: 25 });
    group.loss = 0.1;
    for (let turn = 0; turn < 30; turn++) {
      group.until(() => group.leader !== undefined);
      for (let i = 0; i < 5; i++) propose(`${turn}.${i}`);
      group.run(20);
    }
    conclude();
    // Each was taken by a leader, and nothing deposed it for longer than a moment.
    expect(group.member('n1').state.length).toBeGreaterThan(100);
  }
});

it('survives Figure 8 over a network that loses and reorders (Figure 8 unreliable)', () => {
  let elections = 0;
  for (let seed = 1; seed <= 8; seed++) {
    const { group, random, propose, conclude } = begin(seed, { jitterMs: 30 });
    const away = new Set<string>();
    group.loss = 0.1;
    for (let turn = 0; turn < 500; turn++) {
      // From here on messages may come long after the elections that they belong to.
      if (turn === 150) group.lateMs = 1_500;
      for (const id of leaders(group)) propose(`${turn} ${id}`, id);
      group.run(random() < 0.1 ? random() * 300 : random() * 13);
      const { leader } = group;
      if (leader && random() < 0.15 && away.size < 2) {
        away.add(leader);
        group.isolate(leader);
      }
      if (away.size === 2 && random() < 0.05) {
        away.clear();
        group.heal();
      }
    }
    group.lateMs = 0;
    conclude();
    elections += group.elections.length;
  }
  expect(elections).toBeGreaterThan(40);
});

describe.each([
  ['a reliable', 0, 0],
  ['an unreliable', 0.1, 25],
])('while members come and go, over %s network (churn)', (_, loss, jitterMs) => {
  it.each([1, 2, 3, 4])('keeps what it has acknowledged: seed %i', (seed) => {
    const { group, random, propose, conclude } = begin(seed, { jitterMs });
    group.loss = loss;
    let crashes = 0;
    for (let turn = 0; turn < 150; turn++) {
      // Three clients ask whomever they take for the leader.
      for (let client = 0; client < 3; client++) {
        const id = group.running[Math.floor(random() * group.running.length)];
        if (id) propose(`${turn}.${client}`, id);
      }
      const one = FIVE[Math.floor(random() * FIVE.length)]!;
      if (random() < 0.15) group.isolate(one);
      if (random() < 0.15) group.heal();
      if (random() < 0.2 && group.running.includes(one)) {
        group.crash(one);
        crashes++;
      }
      if (random() < 0.5) for (const id of FIVE) if (!group.running.includes(id)) group.start(id);
      group.run(random() * 140);
    }
    conclude();
    expect(crashes).toBeGreaterThan(10);
    expect(group.elections.length).toBeGreaterThan(2);
  });
});
