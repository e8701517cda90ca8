import { type RegistryError, seededRandom } from '#model';
import { Group } from './node-group.harness.js';

const IDS = ['a', 'b', 'c'];
const LIMITS = { snapshotEveryEntries: 12, retainedEntries: 3, chunkBytes: 100 };
const ITEMS = 60;

/** Crashes, disks that fail or lose what they had not synced, partitions, and clients that never give up. */
class Chaos {
  readonly group: Group;
  readonly happened = { kills: 0, failedWrites: 0, partitions: 0, snapshotsInstalled: 0 };
  private readonly random: () => number;
  private readonly clients: Promise<void>[] = [];

  constructor(seed: number) {
    this.random = seededRandom(seed);
    this.group = new Group(IDS, LIMITS, seed);
  }

  async run(): Promise<void> {
    const { group } = this;
    await group.start();
    let isOver = false;
    for (const name of ['x', 'y', 'z']) this.clients.push(this.client(name));
    void Promise.all(this.clients).then(() => (isOver = true));
    for (let fault = 0; fault < 12; fault++) {
      await group.env.run(this.random() * 700);
      await this.harm();
      await this.revive();
    }
    group.heal();
    for (const disk of group.disks.values()) disk.failWrite(Infinity);
    await this.reviveAll();
    if (!(await group.env.until(() => isOver, 30_000))) throw new Error('The clients are not done.');
    // A store in which a deletion has failed says so at its next write.
    await this.reviveAll();
    await group.converge();
    this.happened.snapshotsInstalled = group.logged.filter(({ event }) => event === 'raft-snapshot-received').length;
  }

  /** One proposal after another, each until it is acknowledged, with whichever node may lead. */
  private async client(name: string): Promise<void> {
    for (let item = 1; item <= ITEMS; item++) {
      for (let isDone = false; !isDone;) {
        const node = this.group.nodes.get(this.pick());
        const isOver = (async () => {
          if (!node) return false;
          await node.propose({ client: name, sequence: item }, { to: name, item });
          return true;
        })();
        isDone = await isOver.catch((error: RegistryError) => {
          if (error.code === 'BAD_REQUEST') throw error;
          return false;
        });
        await new Promise<void>((resolve) => this.group.env.at(this.group.env.nowMs() + 20, resolve));
      }
    }
  }

  private async harm(): Promise<void> {
    const { group, happened } = this;
    const id = this.pick();
    const disk = group.disks.get(id)!;
    const chance = this.random();
    if (chance < 0.3) {
      group.isolate(id);
      happened.partitions++;
    } else if (chance < 0.5) {
      disk.failWrite(1 + Math.floor(this.random() * 6));
    } else if (group.nodes.has(id)) {
      const resume = disk.pause();
      await group.env.run(this.random() * 200);
      group.nodes.get(id)?.crash();
      group.nodes.delete(id);
      disk.loseUnsynced(this.random() < 0.5 ? 'nothing' : 'everything');
      resume();
      happened.kills++;
    }
  }

  private async revive(): Promise<void> {
    if (this.random() < 0.5) this.group.heal();
    if (this.random() < 0.7) await this.reviveAll();
  }

  private async reviveAll(): Promise<void> {
    const { group, happened } = this;
    for (const id of IDS) {
      const node = group.nodes.get(id);
      if (node?.status().failure) {
        happened.failedWrites++;
        await node.close();
        group.nodes.delete(id);
      }
      if (group.nodes.has(id)) continue;
      group.disks.get(id)!.failWrite(Infinity);
      await group.start(id);
    }
  }

  private pick(): string {
    return IDS[Math.floor(this.random() * IDS.length)]!;
  }
}

it('a group that is harmed in every way applies each proposal once, and in the order of its client', async () => {
  const total = { kills: 0, failedWrites: 0, partitions: 0, snapshotsInstalled: 0 };
  for (let seed = 1; seed <= 20; seed++) {
    const chaos = new Chaos(seed);
    try {
      await chaos.run();
      const items = Array.from({ length: ITEMS }, (_, i) => i + 1);
      expect(await chaos.group.states()).toEqual(IDS.map(() => ({ x: items, y: items, z: items })));
      expect(chaos.group.failures.map(({ failure }) => failure.code).filter((code) => code !== 'STORE_FAILED')).toEqual(
        [],
      );
    } catch (error) {
      throw new Error(`With seed ${seed}: ${String(error)}`, { cause: error });
    } finally {
      await chaos.group.stop();
    }
    for (const [what, count] of Object.entries(chaos.happened)) total[what as keyof typeof total] += count;
  }
  // A net without a mesh catches nothing.
  for (const count of Object.values(total)) expect(count).toBeGreaterThan(10);
});
