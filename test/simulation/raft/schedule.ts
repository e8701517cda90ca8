import type { Random } from '#model';
import { Administrator } from './administrator.js';
import type { Group } from './group.js';
import type { SimNode } from './node.js';

/** What a run does to the group, and how often each is chosen relative to the others. */
const ACTIONS = {
  crash: 4,
  crashLeader: 3,
  crashMidway: 5,
  crashMany: 0.7,
  pause: 3,
  pauseLeader: 2,
  partition: 3,
  oneWayPartition: 3,
  isolateLeader: 2,
  harryLeaders: 2,
  lagLeader: 3,
  weather: 4,
  slowDisk: 3,
  failDisk: 2,
  transfer: 5,
  grow: 3,
  shrink: 3,
  replace: 2,
  breathe: 4,
};

type Action = keyof typeof ACTIONS;

/** A run leaves some of them out, since what happens seldom together must happen often alone. */
const LEFT_OUT_CHANCE = 0.3;

const TRANSFER_MS = 1_200;

/** Random faults and changes. Whatever breaks is mended after a while, and the rest of it by `mend`. */
export class Schedule {
  private readonly random: Random;
  private readonly administrator: Administrator;
  private readonly actions: [Action, number][];
  private over = false;
  private harryUntilMs = 0;
  /** Until then a leader may refuse proposals because it waits for its heir. */
  private transferUntilMs = 0;

  constructor(private readonly group: Group) {
    this.random = group.fork();
    this.administrator = new Administrator(group);
    group.elected = (leader) => this.harry(leader);
    this.actions = (Object.entries(ACTIONS) as [Action, number][]).filter(
      ([action]) => action === 'breathe' || this.random() >= LEFT_OUT_CHANCE,
    );
  }

  /** As in Figure 8 of the paper: a leader dies when it has just begun to bring its log to the others. */
  private harry(leader: SimNode): void {
    if (this.over || this.group.nowMs >= this.harryUntilMs) return;
    const fate = this.random();
    if (fate < 0.15) this.later(12, () => this.crash(leader));
    else if (fate < 0.3) this.later(12, () => this.isolate(leader));
    else {
      this.group.network.muteAfter(leader.id, Math.floor(this.random() * 5));
      this.later(1_500, () => this.group.network.mendNode(leader.id));
    }
  }

  get busy(): boolean {
    return this.administrator.busy || this.group.nowMs < this.transferUntilMs;
  }

  run(forMs: number, everyMs: number): void {
    const endMs = this.group.nowMs + forMs;
    while (this.group.nowMs < endMs) {
      this.act(this.choose());
      this.group.run(this.random() * 2 * everyMs);
    }
  }

  /** Ends every fault, those that are still to come of earlier actions included. */
  mend(): void {
    this.over = true;
    this.group.network.calm();
    for (const node of this.group.nodes) {
      node.process.resume();
      node.disk.slowness = 1;
      node.disk.failing = false;
      node.effectsUntilCrash = Infinity;
      node.start();
    }
  }

  private choose(): Action {
    let left = this.random() * this.actions.reduce((sum, [, weight]) => sum + weight, 0);
    for (const [action, weight] of this.actions) {
      left -= weight;
      if (left < 0) return action;
    }
    return 'breathe';
  }

  private act(action: Action): void {
    const { group } = this;
    const node = this.one(group.living);
    switch (action) {
      case 'crash':
        return this.crash(node);
      case 'crashLeader':
        return this.crash(group.leader);
      case 'crashMidway': {
        const victim = this.random() < 0.5 ? group.leader : node;
        if (!victim) return;
        victim.effectsUntilCrash = 1 + Math.floor(this.random() * 12);
        return this.later(600, () => victim.start());
      }
      case 'crashMany':
        for (const each of group.living) if (this.random() < 0.7) this.crash(each);
        return;
      case 'pause':
        return this.pause(node);
      case 'pauseLeader':
        return this.pause(group.leader);
      case 'partition':
      case 'oneWayPartition':
        return this.partition(action === 'oneWayPartition');
      case 'isolateLeader':
        return this.isolate(group.leader);
      case 'harryLeaders':
        this.harryUntilMs = group.nowMs + 2_500;
        return;
      case 'lagLeader': {
        const { leader } = group;
        if (!leader) return;
        // It hears of old times for a while after the others have gone on without it, and some clients know only it.
        group.network.lag(leader.id, 1_000 + this.random() * 350);
        this.after(100, () => group.network.muteAfter(leader.id, 0));
        this.after(600 + this.random() * 300, () => {
          for (const client of group.clients.slice(2)) client.devote(leader, group.nowMs + 800);
        });
        return this.after(2_000, () => group.network.mendNode(leader.id));
      }
      case 'weather':
        group.network.weather = {
          lossChance: this.random() < 0.5 ? 0 : this.random() * 0.3,
          duplicateChance: this.random() * 0.2,
          lateChance: this.random() * 0.3,
          lateMs: this.random() < 0.4 ? 800 : 30,
        };
        return;
      case 'slowDisk':
        if (!node) return;
        node.disk.slowness = 5 + this.random() * 60;
        return this.later(800, () => (node.disk.slowness = 1));
      case 'failDisk':
        if (!node) return;
        node.disk.failing = true;
        return this.later(1_500, () => node.start());
      case 'transfer':
        return this.transfer();
      case 'grow':
        this.administrator.grow();
        return;
      case 'shrink':
        this.administrator.shrink();
        return;
      case 'replace':
        this.administrator.replace();
        return;
      case 'breathe':
        group.network.breathe();
    }
  }

  private crash(node: SimNode | undefined): void {
    if (!node) return;
    node.crash();
    this.later(this.random() < 0.5 ? 30 : 600, () => node.start());
  }

  private pause(node: SimNode | undefined): void {
    if (!node?.running) return;
    node.process.pause();
    this.group.exercised.count('pauses');
    this.later(900, () => node.process.resume());
  }

  private partition(oneWay: boolean): void {
    const { living, network, exercised } = this.group;
    const here = new Set(living.filter(() => this.random() < 0.5));
    if (here.size === 0 || here.size === living.length) return;
    exercised.count(oneWay ? 'one-way partitions' : 'partitions');
    for (const a of here) for (const b of living) if (!here.has(b)) network.cut(a.id, b.id, oneWay);
    this.later(1_000, () => network.mendCuts());
  }

  private isolate(leader: SimNode | undefined): void {
    if (!leader) return;
    this.group.exercised.count('partitions');
    for (const other of this.group.nodes) if (other !== leader) this.group.network.cut(leader.id, other.id);
    this.later(1_000, () => this.group.network.mendNode(leader.id));
  }

  private transfer(): void {
    const { leader, exercised } = this.group;
    const to = this.one((leader?.status.configuration.voters ?? []).filter((id) => id !== leader!.id));
    if (to === undefined) return;
    this.group.note('administrator', `asks ${leader!.id} to transfer to ${to}`);
    this.transferUntilMs = this.group.nowMs + TRANSFER_MS;
    leader!.transfer(to, (answer) => {
      if (answer.ok) exercised.count('transfers');
      this.group.note('administrator', `transfer to ${to}: ${answer.ok ? 'done' : answer.failure.message}`);
    });
  }

  private later(withinMs: number, run: () => void): void {
    this.after(this.random() * withinMs, run);
  }

  private after(ms: number, run: () => void): void {
    this.group.clock.at(this.group.nowMs + ms, () => {
      if (!this.over) run();
    });
  }

  private one<T>(from: readonly T[]): T | undefined {
    return from[Math.floor(this.random() * from.length)];
  }
}
