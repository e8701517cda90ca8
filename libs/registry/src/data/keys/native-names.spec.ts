import type { Publication } from '#model';
import { SlotReplica } from '../slot-replica.js';
import { KeyHistory } from './key-history.js';
import { NativeNames } from './native-names.js';

const IDLE_MS = 10 * 60_000;
const NAMES_MAX = 1_000;

class Scene {
  readonly history = new KeyHistory();
  readonly replica = new SlotReplica({ slot: 1, leaderEpoch: 1, tombstoneMs: 1_000, intern: (text) => text });
  readonly names = new NativeNames(this.replica, this.history, () => {});
  readonly watched = new Set<string>();
  nowMs = 0;
  private version = 0;

  constructor() {
    this.replica.keys = {
      changing: (before, after) => this.names.changing(after ?? before!, before),
      switched: (publication, isHidden) => this.names.switched(publication, isHidden),
    };
  }

  ask(dataInfoId = 'a'): ReturnType<NativeNames['ask']> {
    return this.names.ask(dataInfoId, this.nowMs, () => this.watched);
  }

  publish(data: string, dataInfoId = 'a'): void {
    const publication = {
      ...{ registerId: 'r', dataInfoId, zone: 'z', appName: '', registerTimestamp: 0, stamp: [1, ++this.version, 0] },
      ...{ owner: { kind: 'connected', session: 's', connection: this.version }, body: new TextEncoder().encode(data) },
    } as unknown as Publication;
    this.replica.apply(this.nowMs, { op: 'publish', publication }, 's');
  }

  unpublish(): void {
    const stamp = [1, ++this.version, 0] as const;
    const operation = { op: 'unpublish', registerId: 'r', dataInfoId: 'a', stamp, cause: 'unpublish' } as const;
    this.replica.apply(this.nowMs, { ...operation, stamp: [...stamp] }, 's');
  }

  take(): ReturnType<NativeNames['takeChanges']> {
    return this.names.takeChanges(this.nowMs, () => this.watched);
  }
}

describe('what is published natively, with revisions', () => {
  it('has none before anybody asks, and what comes later has a higher one than the answer', () => {
    const scene = new Scene();
    scene.publish('1');
    const { entries, since } = scene.ask()!;
    expect(entries).toMatchObject([{ registerId: 'r', createRevision: 1, modRevision: 1, version: 1 }]);
    const asked = scene.history.revision;
    expect(since).toBeLessThanOrEqual(asked);
    scene.publish('2');
    const [change] = scene.take();
    expect(change).toMatchObject({ slot: 1, dataInfoId: 'a', entry: { createRevision: 1, version: 2 } });
    expect(change!.revision).toBeGreaterThan(asked);
    scene.unpublish();
    expect(scene.take()).toMatchObject([{ prev: { modRevision: change!.revision } }]);
    scene.publish('3');
    const [back] = scene.take();
    expect(back!.entry).toMatchObject({ createRevision: back!.revision, modRevision: back!.revision, version: 1 });
    expect(scene.ask()).toMatchObject({ since, entries: [back!.entry] });
  });

  it('has not changed where its owner says the same over another connection', () => {
    const scene = new Scene();
    scene.publish('1');
    scene.ask();
    scene.publish('1');
    expect(scene.names.isTouched).toBe(true);
    expect(scene.take()).toEqual([]);
  });

  it('is remembered from the last change of a name that nobody had asked for', () => {
    const scene = new Scene();
    const before = scene.history.revision;
    scene.publish('1', 'b');
    const { since } = scene.ask()!;
    expect(since).toBeGreaterThan(before);
    scene.history.next();
    expect(scene.ask('b')!.since).toBe(since);
  });

  it('is not followed any more when nobody has asked for long, unless somebody watches', () => {
    const scene = new Scene();
    scene.ask();
    scene.watched.add('a');
    scene.nowMs += IDLE_MS;
    scene.publish('1');
    expect(scene.take()).toHaveLength(1);
    scene.watched.clear();
    scene.nowMs += IDLE_MS - 1;
    scene.names.left(['a'], scene.nowMs);
    scene.nowMs += 1;
    scene.publish('2');
    expect(scene.take()).toHaveLength(1);
    scene.nowMs += IDLE_MS;
    scene.publish('3');
    expect(scene.take()).toEqual([]);
    expect(scene.names.count).toBe(0);
    // Whoever saw the second is not told that nothing has happened since.
    expect(scene.ask()!.since).toBe(scene.history.revision);
  });

  it('is followed for so many names: then those go that nobody watches', () => {
    const scene = new Scene();
    for (let i = 0; i < NAMES_MAX; i++) scene.ask(`n${i}`);
    scene.watched.add('n0');
    expect(scene.ask('more')).toBeDefined();
    expect(scene.names.count).toBe(NAMES_MAX);
    for (let i = 2; i < NAMES_MAX; i++) scene.watched.add(`n${i}`);
    scene.watched.add('more');
    expect(scene.ask('yet more')).toBeUndefined();
    expect(scene.ask('n0')).toBeDefined();
  });
});
