import { type Operation, persistentRegisterId } from '#model';
import { DATUM, DataWorld, type TestSession, ids, publication } from '../data-world.harness.js';

const ID = persistentRegisterId(DATUM, 'main');

function persist(session: TestSession, requestId: number, registerId = ID): void {
  const operation: Operation = {
    op: 'publish',
    publication: { ...publication(registerId, ''), stamp: null, owner: { kind: 'persistent' } },
  };
  session.send({ kind: 'persist', slot: 0, leaderEpoch: 7, requestId, operation });
}

function mark(world: DataWorld, disks: string[]): void {
  world.change(({ slots }) => (slots[0] = { ...slots[0]!, durable: true, disks }));
}

function written(world: DataWorld): void {
  for (const { token } of world.persists.splice(0)) world.step({ type: 'persisted', token });
}

const reports = (world: DataWorld): string[] =>
  world.toMeta.flatMap((message) =>
    message.kind === 'replicas' ? message.reports.map(({ type, server }) => `${type} ${server}`) : [],
  );

describe('a persistent publication', () => {
  it('is shown and acknowledged once the slot is marked and it is on disk, in whatever order that comes', () => {
    for (const markFirst of [true, false]) {
      const world = new DataWorld({ sessions: ['s1'], diskId: 'k1' });
      const session = world.session('s1');
      session.reconcile();
      persist(session, 1);
      expect(reports(world)).toEqual(['durable d1']);
      for (const step of markFirst ? [mark, written] : [written, mark]) {
        expect(session.take('persisted')).toEqual([]);
        expect(session.fetch().publications).toEqual([]);
        step(world, ['k1']);
      }
      expect(session.last('persisted')).toMatchObject({ requestId: 1, result: { status: 'stored' } });
      expect(ids(session.fetch().publications)).toEqual([ID]);
    }
  });

  it('does not come back from a disk that was away when the slot was begun anew without it', () => {
    const { dataInfoId, ...rest } = { ...publication(ID, ''), owner: { kind: 'persistent' as const } };
    const entry = { registerId: ID, dataInfoId, stamp: rest.stamp, publication: { ...rest, dataInfoId } };
    const world = new DataWorld({ sessions: ['s1'], diskId: 'k1', lead: false, stored: [{ slot: 0, entry }] });
    const session = world.session('s1');
    const begun = { leader: 'd1', leaderEpoch: 8, begun: true, followers: [], joining: [] };
    world.change(({ slots }) => (slots[0] = begun));
    session.leaderEpoch = 8;
    session.reconcile();
    expect(reports(world)).toEqual([]);
    expect(session.fetch()).toMatchObject({ complete: true, publications: [] });
    expect(world.persists.flatMap(({ writes }) => writes)).toEqual([{ slot: 0, dataInfoId, registerId: ID }]);
  });

  it('comes back where the slot is led again by what one of its disks has', () => {
    const { dataInfoId, ...rest } = { ...publication(ID, ''), owner: { kind: 'persistent' as const } };
    const entry = { registerId: ID, dataInfoId, stamp: rest.stamp, publication: { ...rest, dataInfoId } };
    const world = new DataWorld({ sessions: ['s1'], diskId: 'k1', lead: false, stored: [{ slot: 0, entry }] });
    const session = world.session('s1');
    const resumed = { leader: 'd1', leaderEpoch: 8, begun: true, durable: true, disks: ['k1'] };
    world.change(({ slots }) => (slots[0] = { ...resumed, followers: [], joining: [] }));
    session.leaderEpoch = 8;
    session.reconcile();
    expect(ids(session.fetch().publications)).toEqual([ID]);
    expect(world.persists).toEqual([]);
  });
});
