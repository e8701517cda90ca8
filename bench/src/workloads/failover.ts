import { setTimeout as sleep } from 'node:timers/promises';
import { KINDS } from '../harness/control.js';
import { Gap } from '../harness/gap.js';
import { summary } from '../harness/summary.js';
import { spread } from '../systems/spread.js';
import type { Members } from '../systems/system.js';
import { readValue, valueOf } from './values.js';
import type { Meter, Outcome, Stage } from './workload.js';

const JOINING_AT_ONCE = 8;
/** Who is not answered by then tries again, whatever its library still waits for; before Rollcall answers what is not stored yet. */
const ATTEMPT_MS = 900;
const RETRY_MS = 10;
/** Between two changes of a member, so that a gap is at most this much too long. */
const PACE_MS = 25;
const POLL_MS = 25;
/** A failure is over when nobody has waited for anything for that long. */
const QUIET_MS = 300;
/** Longer than the library of NATS takes to find that a watch is dead, which is two heartbeats of 30 s. */
const RECOVERY_MS = 90_000;
const SETTLE_MS = 30_000;

export interface Failover {
  killsOfEachKind: number;
  /** Fewer where they would take longer: after so long, each kind has died for the last time. */
  mostSeconds: number;
  /** Each changes its registration all the time, and watches a topic that it shares with another. */
  members: number;
  warmUpSeconds: number;
  /** What is usual, of which the longest gap is told too. */
  calmSeconds: number;
  /** At least that long it is watched what a kill does. */
  watchSeconds: number;
  valueBytes: number;
}

/**
 * Servers are killed one after another, each is started again, and the next dies when all is as before. Of each kill the longest
 * times count in which some member could not register anything, and in which one was not told anything: those of the member that
 * was hit worst.
 */
export async function failover(stage: Stage, size: Failover, meter: Meter): Promise<Outcome> {
  const { control } = stage;
  const members = await stage.members(true);
  const load = new Load(members, size);
  const samples: Record<string, number[]> = {};
  const note = (kind: string, { registration, push }: Worst): void => {
    (samples[`${kind} registration`] ??= []).push(registration);
    (samples[`${kind} push`] ??= []).push(push);
  };
  let missed = 0;
  let operations = 0;
  try {
    await load.start();
    await sleep(size.warmUpSeconds * 1000);
    const before = load.registered;
    meter.begin();
    await sleep(size.calmSeconds * 1000);
    // From the first kill on there are other processes.
    meter.end();
    operations = load.registered - before;
    const untilMs = performance.now() + size.mostSeconds * 1000;
    for (let kill = 0; kill < size.killsOfEachKind && performance.now() < untilMs; kill++)
      for (const kind of KINDS.filter((each) => control.kinds.includes(each))) {
        load.takeWorst();
        await sleep(size.calmSeconds * 1000);
        note('calm', load.takeWorst());
        const [name] = await Promise.all([control.kill(kind), sleep(size.watchSeconds * 1000)]);
        missed += await load.calmed();
        note(kind, load.takeWorst());
        await control.restart(name);
        missed += await load.calmed();
        note('return', load.takeWorst());
      }
    missed += await load.settle();
  } finally {
    await load.stop();
    await members.close();
  }
  return { metrics: metricsOf(samples), operations, missed, samples };
}

/** The median and the worst of each, as `leader registration p50` and so on. */
function metricsOf(samples: Record<string, number[]>): Record<string, number> {
  const metrics: Record<string, number> = {};
  for (const [of, values] of Object.entries(samples)) {
    const { median, max } = summary(values)!;
    Object.assign(metrics, { [`${of} p50`]: median, [`${of} max`]: max });
  }
  return metrics;
}

interface Worst {
  registration: number;
  push: number;
}

/** Members that change what they have registered, again and again, and note when that last worked and when they were last told. */
class Load {
  registered = 0;
  private readonly registrations: Gap[] = [];
  private readonly pushes: Gap[] = [];
  /** By member: the latest version that the servers have taken, and what it has been shown of whom. */
  private readonly latest: Int32Array;
  private readonly shown: Map<number, number>[] = [];
  private readonly stopped = new AbortController();
  private running: Promise<void>[] = [];

  constructor(
    private readonly members: Members,
    private readonly size: Failover,
  ) {
    this.latest = new Int32Array(size.members);
  }

  async start(): Promise<void> {
    const { members, size } = this;
    await spread(size.members, JOINING_AT_ONCE, async (member) => {
      this.shown[member] = new Map();
      this.pushes[member] = new Gap(performance.now());
      await members.join(member, topicOf(member), valueOf(member, 0, size.valueBytes), (told) =>
        this.take(member, told),
      );
    });
    for (let member = 0; member < size.members; member++) this.registrations[member] = new Gap(performance.now());
    this.running = Array.from({ length: size.members }, (_, member) => this.run(member));
  }

  /** Since it was last taken. */
  takeWorst(): Worst {
    const nowMs = performance.now();
    const worst = (gaps: Gap[]): number => Math.max(...gaps.map((gap) => gap.takeLongestMs(nowMs)));
    return { registration: worst(this.registrations), push: worst(this.pushes) };
  }

  /** Resolves when nobody waits for anything any more, with how many still do when that takes too long. */
  async calmed(): Promise<number> {
    const untilMs = performance.now() + RECOVERY_MS;
    const waiting = (): number =>
      [...this.registrations, ...this.pushes].filter((gap) => gap.sinceMs(performance.now()) > QUIET_MS).length;
    while (waiting() > 0 && performance.now() < untilMs) await sleep(POLL_MS);
    return waiting();
  }

  /** Ends the changes; how many members have not been shown the last one of somebody, or something newer. */
  async settle(): Promise<number> {
    await this.stop();
    const missed = (): number =>
      this.shown.reduce((sum, shown, member) => {
        const others = neighboursOf(member, this.size.members);
        return sum + others.filter((other) => (shown.get(other) ?? -1) < this.latest[other]!).length;
      }, 0);
    const untilMs = performance.now() + SETTLE_MS;
    while (missed() > 0 && performance.now() < untilMs) await sleep(POLL_MS);
    return missed();
  }

  async stop(): Promise<void> {
    this.stopped.abort();
    await Promise.all(this.running);
  }

  private async run(member: number): Promise<void> {
    const { members, size } = this;
    for (let version = 1; !this.stopped.signal.aborted; version++) {
      const isTaken = await inTime(members.publish(member, valueOf(member, version, size.valueBytes)));
      if (isTaken) {
        this.latest[member] = version;
        this.registered++;
        this.registrations[member]!.happened(performance.now());
      }
      await sleep(isTaken ? PACE_MS : RETRY_MS);
    }
  }

  private take(member: number, value: string): void {
    const { publisher, version } = readValue(value);
    const shown = this.shown[member]!;
    if (version <= (shown.get(publisher) ?? -1)) return;
    shown.set(publisher, version);
    this.pushes[member]!.happened(performance.now());
  }
}

/** Whether the servers have taken something, and said so before long. */
async function inTime(taken: Promise<void>): Promise<boolean> {
  const late = new AbortController();
  try {
    return await Promise.race([
      taken.then(() => true),
      sleep(ATTEMPT_MS, false, { signal: late.signal }).catch(() => false),
    ]);
  } catch {
    return false;
  } finally {
    late.abort();
  }
}

function topicOf(member: number): string {
  return `bench-${member >> 1}`;
}

/** Who shares its topic, itself included. */
function neighboursOf(member: number, members: number): number[] {
  const first = member & ~1;
  return [first, first + 1].filter((each) => each < members);
}
