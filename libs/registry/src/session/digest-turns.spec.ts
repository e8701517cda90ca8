import type { RoutingTable } from '#model';
import { slotOf } from '#sharding';
import type { SessionEffect } from './contract.js';
import { SessionHarness, datumId, publishOf, tableOf } from './core.harness.js';

const SLOTS = 8;
const BODY = new Uint8Array(1_000);
const PER_SLOT = 10;
/** As much as three slots hold, and some more. */
const DIGESTED_BYTES = 3.5 * PER_SLOT * 1_200;

function table(epoch: number, leader: string | null, leaderEpoch: number): RoutingTable {
  const { slots, ...rest } = tableOf(epoch, leader, leaderEpoch);
  return { ...rest, slots: Array.from({ length: SLOTS }, () => ({ ...slots[0]! })) };
}

describe('a session server that holds more than a link may buffer', () => {
  let session: SessionHarness;
  let link: number;
  let read: number;
  beforeEach(() => {
    session = new SessionHarness({ limits: { digestedBytes: DIGESTED_BYTES } }).joined();
    session.table(table(1, null, 1));
    session.connect(1);
    for (let slot = 0; slot < SLOTS; slot++) hold(slot, PER_SLOT);
    read = 0;
    session.table(table(2, 'd1', 2));
    link = session.dataUp('d1');
  });

  function datumIn(slot: number): string {
    for (let i = 0; ; i++) if (slotOf(datumId(`d${i}`), SLOTS) === slot) return datumId(`d${i}`);
  }

  function hold(slot: number, count: number): void {
    for (let i = 0; i < count; i++) {
      const operation = publishOf(`${slot}.${i}`, 1, datumIn(slot));
      session.request(1, { kind: 'apply', operations: [{ ...operation, body: BODY } as typeof operation] });
    }
  }

  /** What was sent of a kind since the last call, by slot. */
  function said(kind: 'digest' | 'reconcile'): { slot: number; number: number }[] {
    const isSent = (effect: SessionEffect): effect is Extract<SessionEffect, { type: 'send' }> =>
      effect.type === 'send' && effect.message.kind === kind;
    const fresh = session.effects.slice(read).filter(isSent);
    read = session.effects.length;
    return fresh.map(({ message }) => message as { kind: string; slot: number; number: number });
  }

  /** The leader wants nothing, or everything, and has it then. */
  function settle({ slot, number }: { slot: number; number: number }, registerIds: string[] = []): void {
    session.fromData({ kind: 'want', slot, leaderEpoch: 2, number, registerIds, stale: [] }, link);
    session.fromData({ kind: 'reconciled', slot, leaderEpoch: 2, number, stale: [] }, link);
  }

  const slots = (messages: { slot: number }[]): number[] => messages.map(({ slot }) => slot);

  it('begins with a few slots, and with the next whenever one is settled', () => {
    const first = said('digest');
    expect(slots(first)).toEqual([0, 1, 2]);
    session.pass(1_000);
    expect(said('digest')).toEqual([]);
    settle(first[1]!);
    const next = said('digest');
    expect(slots(next)).toEqual([3]);
    const open = [first[0]!, first[2]!, ...next];
    const rest: number[] = [];
    for (let each = open.shift(); each; each = open.shift()) {
      settle(each);
      const begun = said('digest');
      rest.push(...slots(begun));
      open.push(...begun);
    }
    expect(rest).toEqual([4, 5, 6, 7]);
    expect(session.core.cluster.slotsReconciled).toBe(SLOTS);
  });

  it('does not take a leader for silent that was not asked yet', () => {
    let asked = 0;
    for (let open = said('digest'); open.length > 0; open = said('digest')) {
      session.pass(5_000);
      asked += open.length;
      for (const each of open) settle(each);
    }
    expect(asked).toBe(SLOTS);
    expect(session.transcript().filter((line) => line.startsWith('restart') || line.startsWith('close'))).toEqual([]);
  });

  it('begins anew when the link is lost, with nobody left out', () => {
    const first = said('digest');
    settle(first[0]!);
    expect(slots(said('digest'))).toEqual([3]);
    session.dataDown(link);
    link = session.dataUp('d1');
    const open = said('digest');
    const begun = slots(open);
    for (let each = open.shift(); each; each = open.shift()) {
      settle(each);
      const more = said('digest');
      open.push(...more);
      begun.push(...slots(more));
    }
    expect(begun).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  });

  it('gives the turn of slots that are led elsewhere by now to those that are left', () => {
    said('digest');
    const elsewhere = table(3, 'd1', 2);
    for (const slot of [0, 1, 2, 3, 4])
      elsewhere.slots[slot] = { ...elsewhere.slots[slot]!, leader: 'd2', leaderEpoch: 3 };
    elsewhere.members.push({ ...elsewhere.members[1]!, incarnation: 'd2', address: 'd2:1' });
    session.table(elsewhere);
    expect(slots(said('digest'))).toEqual([5, 6, 7]);
    session.dataUp('d2');
    expect(slots(said('digest'))).toEqual([0, 1, 2]);
  });

  it('sends a slot that is larger than that alone', () => {
    const first = said('digest');
    session.dataDown(link);
    hold(0, 4 * PER_SLOT);
    link = session.dataUp('d1');
    const [alone, ...others] = said('digest');
    expect([alone!.slot, others]).toEqual([0, []]);
    settle(alone!);
    expect(slots(said('digest'))).toEqual([1, 2, 3]);
    expect(first).toHaveLength(3);
  });
});
