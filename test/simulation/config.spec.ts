import type { Cluster, SimWatcher } from '#sim';
import { watched } from './watched.js';

const KEYS = ['flags', 'limits', 'unset'];

/** What was committed for a key at a version: its value, or that it has none. */
type History = Map<string, string | undefined>;

/** Takes note of everything that the meta server which knows most has committed. */
function note(cluster: Cluster, history: History): void {
  const { values, version } = cluster.meta.state.config;
  for (const key of KEYS) {
    const found = values.find((each) => each.key === key);
    history.set(`${key}@${found?.version ?? version}`, found?.value);
  }
}

function operate(cluster: Cluster, history: History, change: number): void {
  const { random } = cluster.world;
  const key = KEYS[Math.floor(random() * 2)]!;
  const leader = cluster.metaLeader ?? cluster.meta;
  if (random() < 0.25) leader.operate({ type: 'deleteConfig', key });
  else leader.operate({ type: 'setConfig', key, value: `${key}-${change}` });
  for (let step = 0; step < 60; step++) {
    cluster.run(5);
    note(cluster, history);
  }
}

/** Never back, never twice, and nothing that was not so. */
function checkTold({ key, told }: SimWatcher, history: History): void {
  for (const [i, { version }] of told.entries()) {
    expect(version).toBeGreaterThan(told[i - 1]?.version ?? -1);
  }
  // A key without a value is told to have none as of any version at which it has.
  const values = told.filter(({ value }) => value !== undefined);
  expect(values.map(({ version }) => history.get(`${key}@${version}`))).toEqual(values.map(({ value }) => value));
}

function lacks(cluster: Cluster, watchers: readonly SimWatcher[]): SimWatcher | undefined {
  const { values } = cluster.meta.state.config;
  return watchers.find(({ key, told }) => {
    const last = told.at(-1);
    const found = values.find((each) => each.key === key);
    return !last || last.value !== found?.value || (found && last.version !== found.version);
  });
}

describe('configuration values, with the real brains', () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8])(
    'arrive everywhere, each once and none after a newer one, whatever dies (seed %i)',
    (seed) => {
      const cluster = watched({ seed, metas: 3, sessions: 3, data: 1, clients: 6 });
      const history: History = new Map();
      cluster.story(() => {
        cluster.run(3_000);
        const watchers = cluster.clients.flatMap((client) => KEYS.map((key) => client.watch(key)));
        const { random } = cluster.world;
        for (let change = 1; change <= 40; change++) {
          const session = cluster.sessions[Math.floor(random() * 3)]!.name;
          const leader = cluster.metaLeader?.name ?? 'meta-1';
          const what = random();
          if (what < 0.15) cluster.restart(session);
          else if (what < 0.25) cluster.restart(leader);
          else if (what < 0.35) cluster.partition(session, leader, 2_000 * random());
          else if (what < 0.45) cluster.pause(session, 3_000 * random());
          else if (what < 0.55) cluster.world.network.resetOne();
          operate(cluster, history, change);
        }
        cluster.heal();
        cluster.until('all know', () => lacks(cluster, watchers) === undefined, 30_000);
        // Who has not heard that a key was set and deleted again knows what it is all the same, and hears of it later.
        cluster.run(10_000);
        note(cluster, history);
        for (const watcher of watchers) checkTold(watcher, history);
        // In quiet times, one change is told to everybody in one message.
        const before = watchers.map(({ told }) => told.length);
        operate(cluster, history, 41);
        cluster.run(10_000);
        const key = watchers.find(({ told }, i) => told.length > before[i]!)?.key;
        for (const [i, watcher] of watchers.entries())
          expect(watcher.told.length - before[i]!).toBe(watcher.key === key ? 1 : 0);
      });
    },
  );

  it('stay known to everybody while meta is away, and to who moves to another session server', () => {
    const cluster = watched({ seed: 21, sessions: 2, clients: 4 });
    cluster.story(() => {
      cluster.run(2_000);
      cluster.meta.operate({ type: 'setConfig', key: 'flags', value: 'on' });
      cluster.until('it is committed', () => cluster.meta.state.config.version === 1);
      const watchers = cluster.clients.map((client) => client.watch('flags'));
      cluster.until('all know', () => lacks(cluster, watchers) === undefined);
      cluster.kill('meta-1');
      cluster.run(1_000);
      const late = cluster.clients.map((client) => client.watch('flags'));
      cluster.run(1_000);
      cluster.kill('session-1');
      cluster.run(10_000);
      // What the other session server had been told, it tells.
      for (const { told } of [...watchers, ...late]) expect(told).toEqual([expect.objectContaining({ value: 'on' })]);
      cluster.restart('session-1');
      cluster.restart('meta-1');
      cluster.run(5_000);
      cluster.meta.operate({ type: 'deleteConfig', key: 'flags' });
      cluster.run(3_000);
      for (const { told } of [...watchers, ...late]) expect(told.map(({ value }) => value)).toEqual(['on', undefined]);
    });
  });
});
