import { failure } from '#model';
import { ClientHarness } from './core.harness.js';

describe('watching a configuration value', () => {
  let client: ClientHarness;
  let read = 0;

  beforeEach(() => {
    client = new ClientHarness().start();
    read = client.effects.length;
  });

  const watch = (watcher: number, key = 'k'): void => void client.do({ type: 'watch', watcher, key });
  const tell = (version: number, value?: string, clusterId = 'c1'): void => {
    const { subscriptionId } = client.last('watch').payload;
    const config = { type: 'config' as const, clusterId, key: 'k', version, ...(value === undefined ? {} : { value }) };
    client.do({ type: 'config', connection: client.connection, subscriptionId, config });
  };
  /** What watchers were told since the last call, and what was asked of servers. */
  const told = (): string[] => {
    const fresh = client.effects.slice(read);
    read = client.effects.length;
    return fresh.flatMap((effect) => {
      if (effect.type === 'configChanged') {
        const { state, version, value } = effect.snapshot;
        return [`${state} ${version} ${value ?? '-'}`];
      }
      if (effect.type === 'watchFailed') return [`failed ${effect.failure.code}`];
      return effect.type === 'watch' ? [`watch from ${effect.payload.base?.version ?? '-'}`] : [];
    });
  };

  it('tells each change once, in the order of versions, also that there is no value', () => {
    watch(1);
    expect(client.core.streams.watches.snapshot(1)).toEqual({ key: 'k', state: 'pending' });
    tell(3, 'a');
    tell(3, 'a');
    tell(2, 'old');
    tell(5);
    tell(6);
    tell(7, 'a');
    expect(client.core.streams.watches.snapshot(1)).toEqual({ key: 'k', state: 'current', version: 7, value: 'a' });
    expect(told()).toEqual(['watch from -', 'current 3 a', 'current 5 -', 'current 7 a']);
  });

  it('goes on over the next connection from what it was told, and never back', () => {
    watch(1);
    tell(3, 'a');
    client.drop();
    client.pass(1_000).welcome();
    expect(told().filter((line) => !line.startsWith('current'))).toEqual(['watch from -', 'watch from 3']);
    tell(2, 'behind');
    expect(told()).toEqual([]);
    tell(4, 'b');
    expect(told()).toEqual(['current 4 b']);
  });

  it('believes another cluster, whose versions are others', () => {
    watch(1);
    tell(9, 'a');
    client.drop();
    client.pass(1_000).welcome({ clusterId: 'c2' });
    told();
    tell(1, 'b', 'c2');
    expect(told()).toEqual(['current 1 b']);
  });

  it('tries again where the server has too much, and says where it does not know what is asked', () => {
    watch(1);
    const { subscriptionId } = client.last('watch').payload;
    const fail = (code: 'OVERLOADED' | 'UNKNOWN_PATTERN', id: string): void =>
      void client.do({
        type: 'pushFailed',
        connection: client.connection,
        subscriptionId: id,
        failure: failure(code),
      });
    fail('OVERLOADED', subscriptionId);
    client.pass(5_000);
    expect(told()).toEqual(['watch from -', 'watch from -']);
    watch(2);
    fail('UNKNOWN_PATTERN', client.last('watch').payload.subscriptionId);
    client.pass(60_000);
    expect(told()).toEqual(['watch from -', 'failed UNKNOWN_PATTERN']);
  });

  it('ends on the server and here, and takes no message of another form', () => {
    watch(1);
    const { subscriptionId } = client.last('watch').payload;
    for (const config of [undefined, {}, { type: 'config', clusterId: 'c1', key: 'k', version: 'x' }])
      client.do({ type: 'config', connection: client.connection, subscriptionId, config: config as never });
    client.do({ type: 'unwatch', watcher: 1 });
    expect(client.requests('registry.unsubscribe').at(-1)!.payload).toEqual({ subscriptionId });
    tell(3, 'a');
    expect(told()).toEqual(['watch from -']);
    expect(client.core.streams.watches.snapshot(1)).toBeUndefined();
    watch(3, '');
    expect(told()).toEqual(['failed INVALID_NAME']);
  });
});
