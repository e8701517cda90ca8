import { isProtected } from '#model';
import { type MemberNode, type MetaNode, MetaWorld } from './meta-world.harness.js';

const LEASE_MS = 3_000;
const DEPARTED_MS = 60_000;

describe('protection against the loss of many at a time', () => {
  let world: MetaWorld;
  let meta: MetaNode;
  let data: MemberNode[];
  let sessions: MemberNode[];

  beforeEach(() => {
    world = new MetaWorld();
    meta = world.meta('meta:1');
    world.elect('meta:1');
    data = ['a', 'b', 'c'].map((name) => world.join(name));
    sessions = ['s1', 's2', 's3'].map((name) => world.join(name, { role: 'session' }));
    world.run(LEASE_MS + 1_000);
  });

  const alarms = (): string[] =>
    world.logs.flatMap(({ event, fields }) =>
      event.startsWith('protection-')
        ? [`${event} ${String(fields['role'])} ${String(fields['reason'] ?? '')}`.trim()]
        : [],
    );

  it('is told to every member, and to the log once when it begins and once when it ends', () => {
    for (const session of sessions.slice(0, 2)) session.vanish();
    world.until(() => isProtected(world.table));
    world.run(DEPARTED_MS * 2);
    // Meta no longer remembers who they were; that they are missed it does.
    expect(world.table.departed).toEqual([]);
    for (const { membership } of [...data, sessions[2]!])
      expect(membership.table!.protections).toEqual([{ role: 'session', sinceEpoch: expect.any(Number), expected: 3 }]);
    expect(alarms()).toEqual(['protection-began session']);
    for (const name of ['t1', 't2']) world.join(name, { role: 'session' });
    world.until(() => !isProtected(world.table));
    world.run(10);
    expect(data[0]!.membership.table!.protections).toEqual([]);
    expect(alarms()).toEqual(['protection-began session', 'protection-ended session returned']);
  });

  it('never keeps a slot without a leader', () => {
    for (const server of data.slice(1)) server.crash();
    expect(world.until(() => world.leaders.join() === 'a')).toBeLessThan(100);
    expect(world.table.protections).toMatchObject([{ role: 'data', expected: 3 }]);
  });

  it('moves nothing to those who are back until all are', () => {
    for (const server of data.slice(1)) server.crash();
    world.until(() => world.leaders.join() === 'a');
    world.join('b2');
    world.run(LEASE_MS * 2);
    expect(world.leaders).toEqual(['a']);
    world.join('c2');
    world.until(() => world.leaders.join() === 'a,b2,c2');
    expect(alarms()).toEqual(['protection-began data', 'protection-ended data returned']);
  });

  it('is carried on by the next leader of meta, who also counts the losses before its time', () => {
    sessions[0]!.crash();
    world.until(() => world.incarnations.length === 5);
    sessions[1]!.vanish();
    meta.crash();
    const heir = world.meta('meta:1');
    world.elect('meta:1');
    world.until(() => isProtected(world.table));
    expect(world.table.protections).toMatchObject([{ role: 'session', expected: 3 }]);
    heir.crash();
    world.meta('meta:1');
    world.elect('meta:1');
    world.run(DEPARTED_MS * 3);
    expect(world.table.protections).toMatchObject([{ role: 'session', expected: 3 }]);
    expect(alarms()).toEqual(['protection-began session']);
  });

  it('ends with the word of an operator, for that loss only', () => {
    for (const session of sessions.slice(0, 2)) session.vanish();
    world.until(() => isProtected(world.table));
    world.operate({ type: 'confirmLoss', epoch: world.table.epoch });
    world.until(() => !isProtected(world.table));
    world.run(10);
    expect(data[0]!.membership.table!.protections).toEqual([]);
    expect(alarms()).toEqual(['protection-began session', 'protection-ended session confirmed']);
    sessions[2]!.vanish();
    world.run(LEASE_MS * 2);
    expect(isProtected(world.table)).toBe(false);
  });

  it('has nothing to do with planned stops, one after the other or all at once', () => {
    for (const member of [...sessions, ...data.slice(1)]) member.step({ type: 'stop' });
    world.run(LEASE_MS);
    expect(world.incarnations).toEqual(['a']);
    expect(alarms()).toEqual([]);
  });

  it('has nothing to do with losses further apart than the departed are remembered', () => {
    sessions[0]!.crash();
    world.run(DEPARTED_MS + 1_000);
    sessions[1]!.crash();
    world.run(DEPARTED_MS + 1_000);
    expect(world.incarnations).toEqual(['a', 'b', 'c', 's3']);
    expect(alarms()).toEqual([]);
  });
});
