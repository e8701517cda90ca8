import { DEFAULT_SWITCHES, type Switches, type VersionedSwitches } from '#model';
import { type MemberNode, type MetaNode, MetaWorld } from './meta-world.harness.js';

const HEARTBEAT_MS = 500;

describe('switches', () => {
  let world: MetaWorld;
  let meta: MetaNode;

  beforeEach(() => {
    world = new MetaWorld();
    meta = world.meta('meta:1');
    world.elect('meta:1');
  });

  const set = (changes: Partial<Switches>): void => world.operate({ type: 'setSwitches', changes });
  const versions = (node: MemberNode): number[] => node.switches.map(({ version }) => version);
  const readOnly: VersionedSwitches = { version: 1, switches: { ...DEFAULT_SWITCHES, readOnly: true } };

  it('are told to whoever joins before the table is, so that nobody serves without them', () => {
    set({ readOnly: true });
    world.run(100);
    const heard: string[] = [];
    const node = world.member('s', { role: 'session', heard });
    world.until(() => node.epochs.length > 0);
    expect(heard.slice(0, 3)).toEqual(['joined', 'switches', 'table']);
    expect(node.switches).toEqual([readOnly]);
  });

  it('are told to every member on commit, in order, and not only with a heartbeat', () => {
    const nodes = [world.join('a'), world.join('s', { role: 'session' })];
    world.run(HEARTBEAT_MS * 2);
    const { epoch } = world.table;
    set({ readOnly: true });
    const tookMs = world.until(() => nodes.every((node) => versions(node).at(-1) === 1));
    expect(tookMs).toBeLessThan(HEARTBEAT_MS / 10);
    for (let i = 0; i < 3; i++) set({ readOnly: i % 2 === 1 });
    world.run(100);
    for (const node of nodes) expect(versions(node)).toEqual([0, 1, 2, 3, 4]);
    expect(nodes[1]!.switches.at(-1)!.switches).toEqual(DEFAULT_SWITCHES);
    // The table has not changed with them, and nobody was sent it again.
    expect(world.table.epoch).toBe(epoch);
    expect(nodes[1]!.epochs.at(-1)).toBe(epoch);
  });

  it('reach a member that was cut off when they changed as soon as it is back, and once', () => {
    const node = world.join('s', { role: 'session' });
    for (const link of world.linksOf(node)) link.silent = true;
    set({ readOnly: true });
    world.run(100);
    expect(versions(node)).toEqual([0]);
    world.until(() => node.switches.length > 1);
    world.run(5_000);
    expect(versions(node)).toEqual([0, 1]);
    expect(node.switches.at(-1)).toEqual(readOnly);
  });

  it('come from every leader alike, and whoever leads without having heard of a change takes nothing back', () => {
    const second = world.meta('meta:2');
    const node = world.join('s', { role: 'session', metas: ['meta:1', 'meta:2'] });
    second.lags = true;
    set({ readOnly: true });
    world.until(() => node.switches.length === 2);
    world.elect('meta:2');
    world.run(1_000);
    const [link] = world.linksOf(second);
    for (const version of [0, 1])
      world.send(link!, 'member', { kind: 'switches', version, switches: DEFAULT_SWITCHES });
    second.lags = false;
    world.run(1_000);
    expect(versions(node)).toEqual([0, 1]);
    set({ readOnly: false });
    world.until(() => node.switches.length === 3);
    expect(versions(node)).toEqual([0, 1, 2]);
  });

  it('saved by an earlier process count as known, unless they may be those of another cluster', () => {
    set({ readOnly: true });
    world.run(100);
    world.until(() => meta.inspect().ready);
    const saved = { ...readOnly, version: 9 };
    const known = world.join('s', { role: 'session', table: world.table, switches: saved });
    const doubtful = world.join('t', { role: 'session', switches: saved });
    world.run(100);
    expect(versions(known)).toEqual([]);
    expect(versions(doubtful)).toEqual([1]);
  });
});
