import { LIMITS, MAX_WATCHED_AT_ONCE, type WatchedKey } from '#model';
import { SessionHarness } from './core.harness.js';

describe('configuration values at a session server', () => {
  let session: SessionHarness;

  beforeEach(() => {
    session = SessionHarness.ready();
    session.connect(1, 2);
    session.effects.length = 0;
  });

  const watch = (connection: number, key: string, base?: number, subscriptionId = key): number =>
    session.request(connection, {
      ...{ kind: 'watch', key, subscriptionId },
      ...(base === undefined ? {} : { base: { clusterId: 'cluster', version: base } }),
    });
  const tell = (key: string, version: number, value?: string): void =>
    session.fromMeta({ kind: 'config', values: [{ key, version, ...(value === undefined ? {} : { value }) }] });
  /** What has been sent to clients since the last call, and what was asked of meta. */
  const pushed = (): string[] =>
    session.effects.splice(0).flatMap((effect) => {
      if (effect.type === 'config') {
        const { key, version, value } = effect.frame;
        return [`c${effect.connection} ${key}@${version} ${value ?? '-'}`];
      }
      if (effect.type === 'fail') return [`c${effect.connection} ${effect.failure.code}`];
      const message = effect.type === 'send' ? effect.message : undefined;
      if (message?.kind !== 'watchConfig') return [];
      const named = ({ key, version }: WatchedKey): string => (version === undefined ? key : `${key}@${version}`);
      return [`meta +[${message.watch.map(named).join()}] -[${message.unwatch.join()}]`];
    });

  it('are asked of meta once, for as long as somebody watches, and each is sent to everybody once', () => {
    watch(1, 'a');
    watch(2, 'a');
    expect(pushed()).toEqual(['meta +[a] -[]']);
    tell('a', 7, 'x');
    tell('a', 7, 'x');
    tell('a', 6, 'old');
    expect(pushed()).toEqual(['c1 a@7 x', 'c2 a@7 x']);
    tell('a', 9);
    expect(pushed()).toEqual(['c1 a@9 -', 'c2 a@9 -']);
    session.request(1, { kind: 'unsubscribe', subscriptionId: 'a' });
    tell('a', 10, 'y');
    expect(pushed()).toEqual(['c2 a@10 y']);
    session.disconnect(2);
    expect(pushed()).toEqual(['meta +[] -[a]']);
  });

  it('that a client has already, or newer, from another session server, are not sent to it', () => {
    watch(1, 'a');
    tell('a', 7, 'x');
    pushed();
    watch(2, 'a', 7, 'same');
    watch(2, 'a', 9, 'newer');
    watch(2, 'a', 6, 'older');
    expect(pushed()).toEqual(['c2 a@7 x']);
    tell('a', 9, 'z');
    expect(pushed()).toEqual(['c1 a@9 z', 'c2 a@9 z', 'c2 a@9 z']);
  });

  it('stay what they were while meta is away, and are asked for anew when it is back', () => {
    watch(1, 'a');
    watch(1, 'b');
    tell('a', 7, 'x');
    pushed();
    session.do({ type: 'linkDown', link: 1 });
    watch(2, 'a');
    watch(2, 'c');
    expect(pushed()).toEqual(['c2 a@7 x']);
    session.do({
      type: 'linkUp',
      link: 50,
      direction: 'out',
      address: 'm:1',
      hello: { ...META, clusterId: 'cluster' },
    });
    session.pass(3_000);
    const meta = session.effects.findLast((effect) => effect.type === 'dial');
    expect(meta).toMatchObject({ address: 'm:1' });
    session.do({
      type: 'linkUp',
      link: 51,
      direction: 'out',
      address: 'm:1',
      hello: { ...META, clusterId: 'cluster' },
    });
    const joined = { kind: 'joined' as const, clusterId: 'cluster', incarnation: 's1', leaseMs: 3e9, heartbeatMs: 1e9 };
    session.do({ type: 'received', link: 51, message: joined });
    expect(pushed()).toEqual(['meta +[a@7,b,c] -[]']);
  });

  it('that do not exist are said not to once, however often a new leader of meta says so', () => {
    watch(1, 'a');
    tell('a', 3);
    tell('a', 8);
    expect(pushed()).toEqual(['meta +[a] -[]', 'c1 a@3 -']);
    // But whoever knows of one that was deleted since is told.
    watch(2, 'a', 5);
    expect(pushed()).toEqual(['c2 a@8 -']);
    tell('a', 9, 'x');
    expect(pushed()).toEqual(['c1 a@9 x', 'c2 a@9 x']);
  });

  it('wait for a slow reader, who gets the newest and nothing else', () => {
    watch(1, 'a');
    watch(2, 'a');
    session.do({ type: 'clientBackedUp', connection: 1, isBackedUp: true });
    pushed();
    for (let version = 1; version <= 3; version++) tell('a', version, `v${version}`);
    expect(pushed()).toEqual(['c2 a@1 v1', 'c2 a@2 v2', 'c2 a@3 v3']);
    session.do({ type: 'clientBackedUp', connection: 1, isBackedUp: false });
    expect(pushed()).toEqual(['c1 a@3 v3']);
  });

  it('are bounded by connection and in all, and refused beyond that', () => {
    const perConnection = LIMITS.configKeysPerConnection;
    for (let i = 0; i < perConnection; i++) watch(1, `k${i}`);
    watch(1, 'k0', undefined, 'again');
    watch(1, 'k1');
    pushed();
    watch(1, 'more');
    expect(pushed()).toEqual(['c1 OVERLOADED']);
    watch(2, 'k0');
    watch(2, 'k0');
    expect(pushed()).toEqual(['c2 ALREADY_SUBSCRIBED']);
    for (let connection = 3; connection < 13; connection++) {
      session.connect(connection);
      for (let i = 0; i < perConnection; i++) watch(connection, `k${connection}-${i}`);
    }
    const answers = pushed();
    expect(answers.filter((line) => line.endsWith('OVERLOADED'))).toHaveLength(perConnection);
    expect(answers.filter((line) => line.startsWith('meta'))).toHaveLength(LIMITS.configKeysPerSession - perConnection);
    expect(session.core.counts.watches).toBe(LIMITS.configKeysPerSession + 1);
    expect(MAX_WATCHED_AT_ONCE).toBeLessThan(perConnection);
  });
});

const META = { protocol: 1, role: 'meta' as const, incarnation: 'm' };
