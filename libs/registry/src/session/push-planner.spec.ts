import type { PushWindow } from '#model';
import { Lane, Peer, PushPlanner, type Recipient } from './push-planner.js';
import { Timers } from './timers.js';

const LIMITS = {
  ...{ mergeMostMs: 500, ackWithinMs: 3_000, retryMostMs: 60_000, failuresMost: 3 },
  ...{ scanEveryMs: 100, scanShare: 10, scanRestMs: 1_000 },
};
/** What one push costs here. */
const PUSH_MS = 0.05;

interface Subscriber extends Recipient<Subscriber> {
  readonly name: string;
  /** Of the view, as it was last sent. */
  version: number;
  isKnown: boolean;
}

class View {
  version = 1;
  readonly recipients = new Set<Subscriber>();
  readonly lane = new Lane<Subscriber>(this.recipients);
}

/** A planner under virtual time; views are numbers that rise. */
class Harness {
  nowMs = 0;
  /** Where it is not all that has arrived by now. */
  unreadSinceMs: number | undefined;
  readonly timers = new Timers();
  /** Each push as `name@version`, with a `!` for the whole, at its time. */
  private readonly sent: { atMs: number; what: string; lane: Lane<Subscriber> }[] = [];
  readonly views = new Map<Lane<Subscriber>, View>();
  readonly planner: PushPlanner<Subscriber>;

  constructor(limits: Partial<typeof LIMITS> = {}) {
    this.planner = new PushPlanner<Subscriber>(
      this,
      { ...LIMITS, ...limits },
      {
        isAhead: (subscriber) => subscriber.version !== this.viewOf(subscriber).version,
        push: (subscriber) => {
          const { version } = this.viewOf(subscriber);
          const whole = subscriber.isKnown ? '' : '!';
          subscriber.version = version;
          subscriber.isKnown = true;
          this.sent.push({ atMs: this.nowMs, what: `${subscriber.name}@${version}${whole}`, lane: subscriber.lane });
          return PUSH_MS;
        },
        forget: (subscriber) => {
          subscriber.isKnown = false;
          subscriber.version = 0;
        },
      },
    );
  }

  get readUntilMs(): number {
    return this.unreadSinceMs ?? this.nowMs;
  }

  view(): View {
    const view = new View();
    this.views.set(view.lane, view);
    return view;
  }

  join(view: View, count = 1, fields: Partial<Subscriber> = {}): Subscriber[] {
    return Array.from({ length: count }, () => {
      const name = String.fromCharCode(97 + (view.recipients.size % 26));
      const { lane } = view;
      const subscriber: Subscriber = {
        ...{ name, lane, peer: new Peer(), acks: true, unackedSinceMs: undefined, version: 0, isKnown: true },
        ...fields,
      };
      view.recipients.add(subscriber);
      this.planner.joined(subscriber);
      return subscriber;
    });
  }

  change(view: View): void {
    view.version++;
    this.planner.changed(view.lane);
  }

  pass(ms: number): this {
    const untilMs = this.nowMs + ms;
    for (let nextMs = this.timers.nextAtMs; nextMs !== undefined && nextMs <= untilMs; nextMs = this.timers.nextAtMs) {
      this.nowMs = Math.max(this.nowMs, nextMs);
      this.timers.runDue(this.nowMs);
    }
    this.nowMs = untilMs;
    return this;
  }

  /** What was sent since the last call. */
  told(): string[] {
    return this.sent.splice(0).map(({ what }) => what);
  }

  /** When something of the view was sent since the last call, each moment once. */
  moments({ lane }: View): number[] {
    return [...new Set(this.sent.splice(0).flatMap((each) => (each.lane === lane ? each.atMs : [])))];
  }

  private viewOf({ lane }: Subscriber): View {
    return this.views.get(lane)!;
  }
}

/** Subscribers of a quiet view who have what there is, and acknowledge or never do. */
function quiet(count: number, fields: Partial<Subscriber> = {}, limits: Partial<typeof LIMITS> = {}) {
  const harness = new Harness(limits);
  const view = harness.view();
  const all = harness.join(view, count, fields);
  for (const each of all) if (each.acks) harness.planner.acknowledged(each);
  harness.pass(5_000).told();
  return { harness, view, all, planner: harness.planner };
}

describe('a change', () => {
  it('of a view that was quiet goes out within the same step, to all', () => {
    const { harness, view } = quiet(1_000);
    harness.change(view);
    expect(harness.told()).toHaveLength(1_000);
  });

  it('that follows at once goes out at once too where there are few subscribers', () => {
    const { harness, view } = quiet(2, { acks: false });
    for (let i = 0; i < 3; i++) harness.change(view);
    expect(harness.told()).toEqual(['a@2', 'b@2', 'a@3', 'b@3', 'a@4', 'b@4']);
  });

  it('waits while pushes flow, and goes out together with what else has changed by then', () => {
    const { harness, view } = quiet(1_000, { acks: false });
    const startMs = harness.nowMs;
    harness.change(view);
    for (let i = 0; i < 10; i++) {
      harness.pass(4);
      harness.change(view);
    }
    harness.pass(1_000);
    expect(harness.moments(view).map((atMs) => Math.round(atMs - startMs))).toEqual([0, 50]);
    harness.change(view);
    expect(harness.told()).toHaveLength(1_000);
  });

  it('of a quiet view waits for no other view, however busy that is', () => {
    const { harness, view } = quiet(5_000, { acks: false });
    const other = harness.view();
    harness.join(other, 1);
    harness.told();
    for (const subscriber of other.recipients) harness.planner.acknowledged(subscriber);
    for (let i = 0; i < 5; i++) harness.change(view);
    harness.told();
    harness.change(other);
    expect(harness.told()).toEqual(['a@2']);
  });
});

describe('the merge window', () => {
  /** The time between pushes of a view that changes all the time. */
  const periodsMs = (harness: Harness, view: View, forMs: number): number[] => {
    harness.moments(view);
    for (let i = 0; i < forMs; i++) {
      harness.change(view);
      harness.pass(1);
    }
    const moments = harness.moments(view);
    return moments.slice(1).map((atMs, i) => atMs - moments[i]!);
  };

  it('grows with the number of subscribers, up to its bound', () => {
    const shortestMs = (count: number): number => {
      const { harness, view } = quiet(count, { acks: false });
      return periodsMs(harness, view, 3_000).toSorted((a, b) => a - b)[0]!;
    };
    expect(shortestMs(10)).toBeLessThanOrEqual(1);
    expect(Math.round(shortestMs(400))).toBe(20);
    expect(Math.round(shortestMs(2_000))).toBe(100);
    expect(Math.round(shortestMs(50_000))).toBe(500);
  });

  it('grows with what other views push, and shrinks back when they do no more', () => {
    const { harness, view } = quiet(100, { acks: false });
    const alone = Math.max(...periodsMs(harness, view, 500));
    const others = Array.from({ length: 20 }, () => harness.view());
    for (const other of others) harness.join(other, 100, { acks: false });
    harness.pass(5_000).told();
    for (let i = 0; i < 1_000; i++) {
      for (const other of others) harness.change(other);
      harness.pass(1);
    }
    const busy = periodsMs(harness, view, 100).length;
    for (const other of others) for (const each of other.recipients) harness.planner.left(each);
    harness.pass(1_000);
    expect(alone).toBeLessThan(10);
    expect(busy).toBeLessThan(5);
    expect(Math.max(...periodsMs(harness, view, 500))).toBeLessThan(10);
  });

  it('lets no more pushes out than their work allows', () => {
    const { harness, view } = quiet(1_000, { acks: false });
    const others = Array.from({ length: 9 }, () => harness.view());
    for (const other of others) harness.join(other, 1_000, { acks: false });
    harness.pass(5_000).told();
    for (let i = 0; i < 5_000; i++) {
      for (const each of [view, ...others]) harness.change(each);
      harness.pass(1);
    }
    const workMs = harness.told().length * PUSH_MS;
    expect(workMs).toBeLessThanOrEqual(5_000 + 2 * LIMITS.mergeMostMs);
    expect(workMs).toBeGreaterThan(2_500);
  });

  it('is as operators bound it: at least, at most, or as ever', () => {
    const windowMs = (bounds: PushWindow, subscribers: number): number => {
      const planner = new Harness();
      planner.planner.bound(bounds);
      const view = planner.view();
      planner.join(view, subscribers, { acks: false });
      planner.pass(60_000);
      planner.change(view);
      return Math.max(0, view.lane.opensAtMs - planner.nowMs);
    };
    expect(windowMs({}, 1)).toBe(0);
    expect(windowMs({}, 1_000)).toBeCloseTo(50);
    expect(windowMs({}, 100_000)).toBe(LIMITS.mergeMostMs);
    expect(windowMs({ minMs: 200 }, 1)).toBe(200);
    expect(windowMs({ minMs: 20 }, 1_000)).toBeCloseTo(50);
    expect(windowMs({ minMs: 2_000 }, 1)).toBe(2_000);
    expect(windowMs({ maxMs: 20 }, 1_000)).toBe(20);
    expect(windowMs({ maxMs: 0 }, 100_000)).toBe(0);
    expect(windowMs({ maxMs: 2_000 }, 100_000)).toBe(2_000);
  });

  it('that has a least is none for the first change after a quiet moment', () => {
    const planner = new Harness();
    planner.planner.bound({ minMs: 300 });
    const view = planner.view();
    planner.join(view, 1, { acks: false });
    planner.pass(1_000);
    for (let change = 0; change < 4; change++) {
      planner.change(view);
      planner.pass(100);
    }
    planner.planner.bound({});
    planner.pass(1_000);
    planner.change(view);
    planner.change(view);
    expect(view.lane.opensAtMs).toBeLessThan(planner.nowMs);
  });

  it('loses no last state', () => {
    const { harness, view, all } = quiet(3_000, { acks: false });
    for (let i = 0; i < 77; i++) {
      harness.change(view);
      harness.pass(7);
    }
    harness.pass(LIMITS.mergeMostMs);
    expect(all.every(({ version }) => version === view.version)).toBe(true);
    expect(harness.planner.repaired).toBe(0);
  });
});

describe('a recipient that acknowledges', () => {
  it('has one push at a time, and newer state takes the place of what waits', () => {
    const { harness, view, all, planner } = quiet(1);
    for (let i = 0; i < 5; i++) harness.change(view);
    expect(harness.told()).toEqual(['a@2']);
    planner.acknowledged(all[0]!);
    expect(harness.told()).toEqual(['a@6']);
    planner.acknowledged(all[0]!);
    expect(harness.told()).toEqual([]);
  });

  it('and is quick is not sent more often than the others', () => {
    const { harness, view, all, planner } = quiet(1_000);
    for (let i = 0; i < 50; i++) {
      harness.change(view);
      planner.acknowledged(all[0]!);
      harness.pass(1);
    }
    expect(harness.told().filter((what) => what.startsWith('a@')).length).toBeLessThan(100);
    harness.pass(100);
  });

  it('and is slow delays nobody', () => {
    const { harness, view, all, planner } = quiet(3);
    for (let i = 0; i < 3; i++) {
      harness.change(view);
      for (const each of all.slice(1)) planner.acknowledged(each);
      harness.pass(100);
    }
    expect(harness.told()).toEqual(['a@2', 'b@2', 'c@2', 'b@3', 'c@3', 'b@4', 'c@4']);
    planner.acknowledged(all[0]!);
    expect(harness.told()).toEqual(['a@4']);
  });

  it('is waited for no longer once its connection takes no more, and then gets the newest', () => {
    const { harness, view, all, planner } = quiet(1);
    all[0]!.peer.isBackedUp = true;
    for (let i = 0; i < 3; i++) harness.change(view);
    harness.pass(20_000);
    expect(harness.told()).toEqual([]);
    all[0]!.peer.isBackedUp = false;
    planner.drained(all);
    expect(harness.told()).toEqual(['a@4']);
  });
});

describe('a push that is not acknowledged', () => {
  it('is repeated as the whole of the newest state, less and less often, and nothing else is sent', () => {
    const { harness, view, all, planner } = quiet(1);
    const startMs = harness.nowMs;
    harness.change(view);
    const told: string[] = [];
    for (let i = 0; i < 200; i++) {
      harness.change(view);
      harness.pass(1_000);
    }
    const seconds = harness.moments(view).map((atMs) => Math.round((atMs - startMs) / 1_000));
    expect(seconds.slice(0, 4)).toEqual([0, expect.any(Number), expect.any(Number), expect.any(Number)]);
    const waits = seconds.slice(1).map((at, i) => at - seconds[i]!);
    expect(waits[0]).toBeGreaterThanOrEqual(3);
    expect(waits[0]).toBeLessThanOrEqual(5);
    expect(waits).toEqual(waits.toSorted((a, b) => a - b));
    expect(waits.at(-1)).toBeGreaterThanOrEqual(60);
    expect(planner.repeated).toBe(seconds.length - 1);
    planner.acknowledged(all[0]!);
    told.push(...harness.told());
    expect(told).toEqual([`a@${view.version}`]);
  });

  it('opens the circuit of its connection after some, which any acknowledgement closes', () => {
    const { harness, view, planner } = quiet(0);
    const peer = new Peer();
    const [one, two] = harness.join(view, 2, { peer });
    const other = harness.view();
    const [three] = harness.join(other, 1, { peer });
    planner.acknowledged(three!);
    harness.told();
    harness.pass(10_000);
    expect(planner.isBroken(peer)).toBe(false);
    harness.pass(20_000);
    expect(planner.isBroken(peer)).toBe(true);
    // One at a time is tried again, whatever waits for its acknowledgement.
    expect(planner.repeated).toBeLessThanOrEqual(4);
    harness.told();
    harness.change(other);
    expect(harness.told()).toEqual([]);
    planner.acknowledged(one!);
    harness.pass(1_100);
    expect(planner.isBroken(peer)).toBe(false);
    expect(harness.told()).toEqual(['a@2']);
    expect(two!.unackedSinceMs).toBeDefined();
  });

  it('is not repeated while its acknowledgement may be waiting to be read', () => {
    const { harness, view, planner } = quiet(1);
    harness.change(view);
    harness.unreadSinceMs = harness.nowMs;
    harness.pass(20_000);
    expect(planner.repeated).toBe(0);
    // It was not there.
    harness.unreadSinceMs = undefined;
    harness.pass(2_000);
    expect(planner.repeated).toBe(1);
  });

  it('is not repeated just because its acknowledgement comes after that of another', () => {
    const { harness, view, planner } = quiet(0);
    const peer = new Peer();
    const all = harness.join(view, 5, { peer });
    harness.told();
    harness.pass(3_500);
    expect(planner.repeated).toBe(1);
    planner.acknowledged(all[0]!);
    harness.pass(500);
    expect(planner.repeated).toBe(1);
  });
});

describe('the scan', () => {
  it('finds whoever lacks something, a bounded number at a time', () => {
    const { harness, view, all, planner } = quiet(35);
    harness.pass(1_000);
    // As if the change had been overlooked.
    view.version++;
    let most = 0;
    for (let i = 0; i < 20; i++) {
      harness.pass(100);
      most = Math.max(most, harness.told().length);
    }
    expect(most).toBeLessThanOrEqual(LIMITS.scanShare);
    expect(all.every(({ version }) => version === view.version)).toBe(true);
    expect(planner.repaired).toBe(35);
  });

  it('ends when nobody is left, and begins anew', () => {
    const { harness, view, all, planner } = quiet(1);
    planner.left(all[0]!);
    view.recipients.clear();
    harness.pass(200);
    expect(harness.timers.nextAtMs).toBeUndefined();
    harness.join(view, 1);
    expect(harness.timers.nextAtMs).toBeDefined();
  });
});
