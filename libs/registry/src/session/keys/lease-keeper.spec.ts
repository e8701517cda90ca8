import { type EtcdCode, encodeLease, leaseDataInfoId } from '#etcd';
import type { KeyAsk, Publication } from '#model';
import type { SessionContext } from '../context.js';
import type { Slots } from '../slots.js';
import type { KeyAsks } from './key-asks.js';
import { KeyLeases } from './key-leases.js';
import type { KeyQuestions } from './key-questions.js';
import type { SessionKeys } from './keyspace.js';
import { LeaseKeeper } from './lease-keeper.js';

const LEASES_MAX = 200_000;
const TTL_S = 10;

function keeper(): { keeper: LeaseKeeper; context: { nowMs: number }; looked: string[] } {
  const looked: string[] = [];
  const context = { nowMs: 0, limits: { readDeadlineMs: 1_000 } };
  const asks = {
    ask: (_slots: number[], make: (at: []) => KeyAsk) => {
      const ask = make([]);
      if (ask.op === 'lease') looked.push(ask.id);
    },
  } as unknown as KeyAsks;
  const slots = { slotOf: () => 0 } as unknown as Slots;
  return {
    keeper: new LeaseKeeper(context as unknown as SessionContext, slots, asks, {} as SessionKeys),
    ...{ context, looked },
  };
}

function leaseOf(id: string, slots = [0]): Publication {
  const body = encodeLease({ id, grant: 1, ttlS: TTL_S, slots });
  return { dataInfoId: leaseDataInfoId(id), body } as Publication;
}

describe('a lease that is handed over with its keys', () => {
  it('is looked after at once, since nobody may have done so for a while', () => {
    const { keeper: leases, context, looked } = keeper();
    leases.keeps(leaseOf('granted here', []));
    leases.keeps(leaseOf('handed over'));
    leases.tick();
    expect(looked).toEqual(['handed over']);
    context.nowMs = (TTL_S * 1_000) / 2;
    leases.tick();
    expect(looked.toSorted()).toEqual(['granted here', 'handed over', 'handed over']);
  });
});

describe('a server that looks after as many leases as it can', () => {
  it('goes on looking after the first of them, and after those that it is handed', () => {
    const { keeper: leases, context, looked } = keeper();
    for (let id = 1; id < LEASES_MAX; id++) leases.keeps(leaseOf(String(id)));
    expect(leases.isFull).toBe(false);
    leases.keeps(leaseOf('last'));
    expect(leases.isFull).toBe(true);
    leases.keeps(leaseOf('handed over'));
    context.nowMs = TTL_S * 1_000;
    leases.tick();
    expect(looked).toHaveLength(LEASES_MAX + 1);
    expect([looked[0], looked.at(-1)]).toEqual(['1', 'handed over']);
  });

  it('refuses to grant more', () => {
    const refused: EtcdCode[] = [];
    const leases = new KeyLeases(
      {} as KeyQuestions,
      () => {},
      () => true,
    );
    leases.grant(
      { id: 0n, ttlS: 10n },
      () => {},
      (code) => void refused.push(code),
    );
    expect(refused).toEqual(['OVERLOADED']);
  });
});
