import type { ToMeta } from '#model';
import type { MetaEffect, MetaEvent } from './contract.js';
import { MetaCore } from './core.js';
import { metaStateMachine } from './state.js';

const MEMBERS = ['a', 'b'];

/** A leader with two members, `a` over link 1 and `b` over link 2, and nothing else to say. */
class Leader {
  readonly core = new MetaCore({ random: () => 0.5, slotCount: 1 });
  private state = metaStateMachine.initial();
  private nowMs = 0;
  private index = 0;

  constructor() {
    this.step({ type: 'start' });
    this.lead(1);
    for (const [i, incarnation] of MEMBERS.entries()) {
      const hello = { protocol: 1, role: 'session' as const, incarnation };
      const member = {
        role: 'session' as const,
        incarnation,
        address: `${incarnation}:1`,
        httpAddress: '',
        zone: '',
        weight: 1,
      };
      this.step({ type: 'linkUp', link: i + 1, direction: 'in', address: 'x:1', hello });
      this.step({ type: 'received', link: i + 1, message: { kind: 'join', member } });
    }
  }

  lead(term: number): void {
    this.step({ type: 'leadership', term, leading: false });
    this.step({ type: 'leadership', term, leading: true });
  }

  /** Whatever is proposed is committed at once. */
  step(event: MetaEvent): MetaEffect[] {
    const effects = this.core.step(++this.nowMs, event);
    for (const effect of [...effects]) {
      if (effect.type !== 'propose') continue;
      const { state, result } = metaStateMachine.apply(this.state, effect.command);
      this.state = state;
      effects.push(...this.step({ type: 'committed', index: ++this.index, state }));
      effects.push(...this.step({ type: 'proposed', sequence: effect.sequence, outcome: { ok: true, result } }));
    }
    return effects;
  }

  heartbeat(link: number, sequence: number): string[] {
    const incarnation = MEMBERS[link - 1]!;
    const message: ToMeta = { kind: 'heartbeat', incarnation, sequence, tableEpoch: 1 };
    return this.words({ type: 'received', link, message });
  }

  confirmed(number: number, tableEpoch?: number): string[] {
    return this.words({ type: 'confirmed', number, tableEpoch });
  }

  /** What it asks of the group, and whom it acknowledges what. */
  words(event: MetaEvent): string[] {
    return this.step(event).flatMap((effect) => {
      if (effect.type === 'confirm') return [`confirm ${effect.number}`];
      if (effect.type !== 'send' || effect.message.kind !== 'heartbeatAck') return [];
      return [`${MEMBERS[effect.link - 1]!}${effect.message.sequence}: ${effect.message.tableEpoch}`];
    });
  }
}

describe('acknowledgements of heartbeats', () => {
  it('wait until the group has confirmed that this node leads, and say what was committed then', () => {
    const leader = new Leader();
    expect(leader.heartbeat(1, 1)).toEqual(['confirm 1']);
    expect(leader.words({ type: 'wake' })).toEqual([]);
    expect(leader.confirmed(1, 7)).toEqual(['a1: 7']);
  });

  it('that come while one is asked for share the next, since that one may be older than their heartbeat', () => {
    const leader = new Leader();
    leader.heartbeat(1, 1);
    expect([...leader.heartbeat(2, 1), ...leader.heartbeat(1, 2)]).toEqual([]);
    expect(leader.confirmed(1, 7)).toEqual(['a1: 7', 'confirm 2']);
    expect(leader.confirmed(2, 8)).toEqual(['b1: 8', 'a2: 8']);
  });

  it('are not given where the group confirms nothing; the next heartbeat asks again', () => {
    const leader = new Leader();
    leader.heartbeat(1, 1);
    expect(leader.confirmed(1)).toEqual([]);
    expect(leader.heartbeat(1, 2)).toEqual(['confirm 2']);
    expect(leader.confirmed(2, 7)).toEqual(['a2: 7']);
  });

  it('asked for in an earlier leadership are not given in a later one', () => {
    const leader = new Leader();
    leader.heartbeat(1, 1);
    leader.heartbeat(2, 1);
    leader.lead(2);
    expect(leader.confirmed(1, 7)).toEqual([]);
    expect(leader.heartbeat(1, 2)).toEqual(['confirm 2']);
    expect(leader.confirmed(1, 7)).toEqual([]);
    expect(leader.confirmed(2, 8)).toEqual(['a2: 8']);
  });

  it('go to nobody over a link that is down', () => {
    const leader = new Leader();
    leader.heartbeat(1, 1);
    leader.heartbeat(2, 1);
    leader.step({ type: 'linkDown', link: 1 });
    expect(leader.confirmed(1, 7)).toEqual(['confirm 2']);
    leader.step({ type: 'linkDown', link: 2 });
    expect(leader.confirmed(2, 8)).toEqual([]);
  });
});
