import type { RoutingTable } from '#model';
import { SessionHarness, tableOf } from './core.harness.js';

/** d1 leads, d2 follows; unless said otherwise both are members. */
function followed(epoch: number, leader = 'd1', members = ['d1', 'd2']): RoutingTable {
  const table = tableOf(epoch, leader);
  const [pattern] = table.members.filter(({ role }) => role === 'data');
  return {
    ...table,
    slots: table.slots.map((slot) => ({ ...slot, followers: ['d2'].filter((each) => each !== leader) })),
    members: members.map((incarnation) => ({ ...pattern!, incarnation, address: `${incarnation}:1` })),
  };
}

/** The link to d1 has broken, that to d2 is up, and it is time to try it that way. */
function outOfReach(): { session: SessionHarness; follower: number } {
  const session = new SessionHarness().joined();
  session.table(followed(1));
  session.dataUp('d1');
  session.reconcile();
  const leader = session.data;
  const follower = session.dataUp('d2');
  session.dataDown(leader);
  session.pass(4_500);
  return { session, follower };
}

describe('a relay to a leader out of reach', () => {
  it('is asked for again and again while the leader does not answer, and nothing else is sent', () => {
    const { session, follower } = outOfReach();
    session.transcript();
    session.fromData({ kind: 'relayedEnd', relay: session.lastSent('relayOpen').relay }, follower);
    const before = session.lastSent('relayOpen').relay;
    session.pass(3_000);
    expect(session.lastSent('relayOpen')).toMatchObject({ to: 'd1' });
    expect(session.lastSent('relayOpen').relay).toBeGreaterThan(before);
    expect(() => session.lastSent('relay')).toThrow(/No relay was sent/);
  });

  it('begins with a digest once the leader has answered', () => {
    const { session, follower } = outOfReach();
    const { relay } = session.lastSent('relayOpen');
    session.fromData({ kind: 'relayedOpen', relay: relay + 1 }, follower);
    expect(() => session.lastSent('relay')).toThrow(/No relay was sent/);
    session.fromData({ kind: 'relayedOpen', relay }, follower);
    expect(session.lastSent('relay')).toMatchObject({ relay, message: { kind: 'digest' } });
  });

  it.each([
    ['asked for', false],
    ['open', true],
  ])('ends with a table that names the leader no more (%s)', (_, isOpen) => {
    const { session, follower } = outOfReach();
    const { relay } = session.lastSent('relayOpen');
    if (isOpen) session.fromData({ kind: 'relayedOpen', relay }, follower);
    session.table(followed(2, 'd2', ['d2']));
    expect(session.lastSent('relayEnd')).toEqual({ kind: 'relayEnd', relay });
  });

  it.each([
    ['asked for', false],
    ['open', true],
  ])('gives way to a link (%s)', (_, isOpen) => {
    const { session, follower } = outOfReach();
    const { relay } = session.lastSent('relayOpen');
    if (isOpen) session.fromData({ kind: 'relayedOpen', relay }, follower);
    session.dataUp('d1');
    expect(session.lastSent('relayEnd')).toEqual({ kind: 'relayEnd', relay });
    expect(session.lastSent('digest')).toBeDefined();
  });
});
