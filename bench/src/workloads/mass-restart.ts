import { setTimeout as sleep } from 'node:timers/promises';
import { median, latencies, percentilesOf, usSince } from '../harness/histograms.js';
import { OwnSockets } from '../harness/own-sockets.js';
import { spread } from '../systems/spread.js';
import type { Clients, Members } from '../systems/system.js';
import { readValue, valueOf } from './values.js';
import type { Meter, Outcome, Stage } from './workload.js';

const JOINING_AT_ONCE = 50;
const WITNESS_CONNECTIONS = 10;
const TELLING_AT_ONCE = 64;
const GATHER_MS = 60_000;
const RETURN_MS = 90_000;
/** As any user of a client would pause who is told that it did not work. */
const RETRY_MS = 100;
const POLL_MS = 20;

export interface MassRestart {
  /** Each with a connection, a registration and a subscription. */
  members: number;
  /** Members that share a topic, and are told of each other. */
  perTopic: number;
  cuts: number;
  /** Before each cut, and after the last one; longer than what servers wait for one who may come back. */
  settleSeconds: number;
  valueBytes: number;
}

/**
 * The connections of all members are cut at once, and their libraries bring them back. A member is consistent again when its
 * servers have said, over the connection that it has then, that its registration holds, and when it has been shown what somebody
 * has published since the cut, who was not cut off. In the end somebody new is shown all of them.
 */
export async function massRestart(stage: Stage, size: MassRestart, meter: Meter): Promise<Outcome> {
  const { clients } = stage;
  const town = new Town(clients, size);
  await clients.open(WITNESS_CONNECTIONS);
  await town.settleWitnesses();
  const sockets = new OwnSockets();
  try {
    const members = await stage.members(false);
    try {
      await town.settle(members);
      const each = latencies();
      const lasts: number[] = [];
      let missed = 0;
      for (let cut = 1; cut <= size.cuts; cut++) {
        await sleep(size.settleSeconds * 1000);
        meter.begin();
        const startMs = performance.now();
        const returned = town.returned(members, (us) => each.recordValue(us));
        if (sockets.cut() < size.members) throw new Error('Fewer connections were cut than there are members.');
        await town.tell();
        missed += await returned;
        lasts.push(performance.now() - startMs);
        meter.end();
      }
      await sleep(size.settleSeconds * 1000);
      missed += await town.missing();
      const { p50, max } = percentilesOf(each);
      // Of each cut until the last is back: in the middle, and at most; and until half of all are.
      const metrics = { last: median(lasts), worst: max, half: p50 };
      return { metrics, operations: size.members * size.cuts, missed };
    } finally {
      await members.close();
    }
  } finally {
    sockets.stop();
  }
}

/** Members, and a witness of each topic, who says something new now and then; both known by the numbers in their values. */
class Town {
  private readonly topics: number;
  private version = 0;
  /** By member: the latest of its witness that it was shown, and how many members of its topic. */
  private readonly shown: Int32Array;
  private readonly known: Set<number>[] = [];
  /** Members that wait to be shown the latest. */
  private readonly waiting = new Map<number, () => void>();

  constructor(
    private readonly clients: Clients,
    private readonly size: MassRestart,
  ) {
    this.topics = Math.ceil(size.members / size.perTopic);
    this.shown = new Int32Array(size.members).fill(-1);
  }

  async settleWitnesses(): Promise<void> {
    await spread(this.topics, TELLING_AT_ONCE, (topic) =>
      this.clients.register(topic, nameOf(topic), valueOf(topic, 0, this.size.valueBytes)),
    );
  }

  /** Resolves when everybody has been shown everybody. */
  async settle(members: Members): Promise<void> {
    const { size, topics } = this;
    await spread(size.members, JOINING_AT_ONCE, async (member) => {
      this.known[member] = new Set();
      const value = valueOf(topics + member, 0, size.valueBytes);
      await members.join(member, this.topicOf(member), value, (told) => this.take(member, told));
    });
    const isWhole = (member: number): boolean =>
      this.shown[member] === 0 && this.known[member]!.size === this.neighbours(member % topics);
    const untilMs = performance.now() + GATHER_MS;
    for (let member = 0; member < size.members;)
      if (isWhole(member)) member++;
      else if (performance.now() > untilMs)
        throw new Error(`Member ${member} was not shown everybody before the first cut.`);
      else await sleep(POLL_MS);
  }

  /** Something new of every witness. */
  async tell(): Promise<void> {
    const { version } = this;
    await spread(this.topics, TELLING_AT_ONCE, (topic) =>
      this.clients.publish(topic, valueOf(topic, version, this.size.valueBytes)),
    );
  }

  /** How many do not come back of all who are cut off now. The others are told of one by one. */
  async returned(members: Members, onReturn: (us: number) => void): Promise<number> {
    const startMs = performance.now();
    const untilMs = startMs + RETURN_MS;
    this.version++;
    let missed = 0;
    await Promise.all(
      Array.from({ length: this.size.members }, async (_, member) => {
        const isShown = new Promise<void>((resolve) => this.waiting.set(member, resolve));
        // Not before all connections are cut.
        await new Promise(setImmediate);
        const [isHeld] = await Promise.all([holds(members, member, untilMs), Promise.race([isShown, until(untilMs)])]);
        if (isHeld && this.shown[member] === this.version) onReturn(usSince(startMs));
        else missed++;
      }),
    );
    this.waiting.clear();
    return missed;
  }

  /** How many members are not shown to somebody new. */
  async missing(): Promise<number> {
    const found = new Set<number>();
    await spread(this.topics, JOINING_AT_ONCE, (topic) =>
      this.clients.subscribe(nameOf(topic), (value) => found.add(readValue(value).publisher)),
    );
    const untilMs = performance.now() + GATHER_MS;
    const missing = (): number => this.topics + this.size.members - found.size;
    while (missing() > 0 && performance.now() < untilMs) await sleep(POLL_MS);
    return missing();
  }

  private take(member: number, value: string): void {
    const { publisher, version } = readValue(value);
    if (publisher >= this.topics) {
      this.known[member]!.add(publisher);
      return;
    }
    this.shown[member] = Math.max(this.shown[member]!, version);
    if (version < this.version) return;
    this.waiting.get(member)?.();
    this.waiting.delete(member);
  }

  private topicOf(member: number): string {
    return nameOf(member % this.topics);
  }

  private neighbours(topic: number): number {
    return Math.ceil((this.size.members - topic) / this.topics);
  }
}

/** Whether the servers say so in time; asked again as long as they do not answer, or say that it does not. */
async function holds(members: Members, member: number, untilMs: number): Promise<boolean> {
  while (performance.now() < untilMs)
    try {
      const isHeld = members.confirm(member).then(() => true);
      return await Promise.race([isHeld, until(untilMs).then(() => false)]);
    } catch {
      await sleep(RETRY_MS);
    }
  return false;
}

async function until(ms: number): Promise<void> {
  await sleep(Math.max(0, ms - performance.now()), undefined, { ref: false });
}

function nameOf(topic: number): string {
  return `bench-${topic}`;
}
