import type { RegistryError } from '#model';
import type { MembershipChange } from './contract.js';
import { Group } from './node-group.harness.js';

const IDS = ['a', 'b', 'c'];

describe('the members of a group', () => {
  let group: Group;
  let leader: string;

  beforeEach(async () => {
    group = new Group(IDS);
    await group.start();
    leader = await group.leader();
    await group.propose('first');
  });

  afterEach(async () => {
    await group.stop();
    for (const { failure } of group.failures) throw failure;
  });

  const change = async (type: MembershipChange['type'], node: string): Promise<number> =>
    group.finish(group.node(await group.leader()).changeMembership({ type, node }));

  /** Asked again while the leader has yet to hear how far the learner is. */
  const promote = async (node: string): Promise<void> => {
    for (let isPromoted = false; !isPromoted; await group.env.run(10))
      isPromoted = await change('promote', node).then(
        () => true,
        (error: RegistryError) => {
          if (error.code !== 'NOT_READY') throw error;
          return false;
        },
      );
  };

  const refusal = (promise: Promise<unknown>): Promise<RegistryError> =>
    promise.then(
      () => {
        throw new Error('It was to be refused.');
      },
      (error: RegistryError) => error,
    );

  const join = async (id: string): Promise<void> => {
    await group.start(id);
    await change('addLearner', id);
    await group.converge();
    await promote(id);
    await group.converge();
  };

  const configuration = async (): Promise<unknown> => group.node(await group.leader()).status().configuration;

  it('grow by one that learns first and is promoted then', async () => {
    await group.start('d');
    await group.env.run(3_000);
    expect(group.node('d').status()).toMatchObject({ role: 'learner', term: 0, last: 0 });
    await change('addLearner', 'd');
    await group.converge();
    expect(group.node('d').status()).toMatchObject({ role: 'learner', leader });
    expect(await configuration()).toEqual({ voters: IDS, learners: ['d'] });
    await promote('d');
    expect(await configuration()).toEqual({ voters: [...IDS, 'd'], learners: [] });
    await group.converge();
    expect(group.node('d').status()).toMatchObject({ role: 'follower' });
    expect((await group.states())[3]).toEqual({ x: ['first'] });
    // Of four, two are no majority.
    group.isolate('d', leader);
    expect(await refusal(group.propose('lost', 'x', leader))).toMatchObject({ code: 'NOT_LEADER' });
    group.heal();
  });

  it('do not promote one that has not caught up, or was never added', async () => {
    await change('addLearner', 'd');
    for (let item = 0; item < 200; item++) await group.propose(item);
    expect((await refusal(change('promote', 'd'))).code).not.toBe('INTERNAL');
    expect(await refusal(change('promote', 'e'))).toMatchObject({ code: 'BAD_REQUEST' });
    expect(await configuration()).toEqual({ voters: IDS, learners: ['d'] });
    await group.start('d');
    await group.converge();
    await group.env.run(100);
    await change('promote', 'd');
  });

  it('are changed by the leader alone', async () => {
    const follower = IDS.find((id) => id !== leader)!;
    const attempt = group.node(follower).changeMembership({ type: 'addLearner', node: 'd' });
    expect(await refusal(group.finish(attempt))).toMatchObject({ code: 'NOT_LEADER', details: { leader } });
  });

  it('shrink, and the one removed disturbs nobody', async () => {
    const gone = IDS.find((id) => id !== leader)!;
    await change('remove', gone);
    const { term } = group.node(leader).status();
    await group.env.run(10_000);
    expect(group.node(leader).status()).toMatchObject({ role: 'leader', term });
    expect(await configuration()).toEqual({ voters: IDS.filter((id) => id !== gone), learners: [] });
    await group.propose('second');
  });

  it('go on without the leader when it removes itself', async () => {
    await change('remove', leader);
    const heir = await group.leader(IDS.filter((id) => id !== leader));
    await group.propose('second', 'x', heir);
    expect(group.node(leader).status().role).not.toBe('leader');
    expect(await group.read(heir)).toEqual({ x: ['first', 'second'] });
  });

  it('replace one that is lost for good by a new one with an empty disk', async () => {
    const lost = IDS.find((id) => id !== leader)!;
    group.kill(lost);
    await join('d');
    await change('remove', lost);
    expect(await configuration()).toEqual({ voters: [...IDS.filter((id) => id !== lost), 'd'], learners: [] });
    group.kill(leader);
    await group.leader();
    await group.propose('second');
    expect(await group.read()).toEqual({ x: ['first', 'second'] });
  });

  it('are known after a restart, from the log and from a snapshot', async () => {
    await join('d');
    const expected = { voters: [...IDS, 'd'], learners: [] };
    for (const round of ['log', 'snapshot']) {
      if (round === 'snapshot') for (const node of group.nodes.values()) await group.finish(node.snapshotNow());
      for (const id of [...IDS, 'd']) group.kill(id);
      await group.start(...IDS, 'd');
      expect(await configuration()).toEqual(expected);
      expect(group.node('d').status().configuration).toEqual(expected);
    }
    expect(await group.read()).toEqual({ x: ['first'] });
  });

  it('that come late learn them from a snapshot', async () => {
    for (const node of group.nodes.values()) await group.finish(node.snapshotNow());
    await group.stop();
    for (const id of IDS) group.nodes.delete(id);
    await group.start();
    await join('d');
    expect(group.node('d').status().configuration).toEqual({ voters: [...IDS, 'd'], learners: [] });
    expect(group.node('d').status().snapshotIndex).toBeGreaterThan(0);
  });
});
