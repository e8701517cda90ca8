import { type PublisherView, type Push, failure } from '#model';
import { byZone } from './by-zone.js';
import { ClientHarness } from './core.harness.js';

function view(registerId: string, ...data: string[]): PublisherView {
  return { registerId, zone: '', appName: '', registerTimestamp: 1, data };
}

function snapshot(version: string, ...publishers: PublisherView[]): Push {
  return { type: 'snapshot', dataInfoId: 'd', clusterId: 'c1', version, publishers };
}

function partial(version: string, removed: string[], ...publishers: PublisherView[]): Push {
  return { type: 'partial', dataInfoId: 'd', clusterId: 'c1', version, publishers, removed };
}

const unchanged = (version: string): Push => ({ type: 'unchanged', dataInfoId: 'd', clusterId: 'c1', version });
const pending: Push = { type: 'pending', dataInfoId: 'd' };

function subscribed(): ClientHarness {
  const client = new ClientHarness().start();
  client.subscribe(1);
  client.transcript();
  return client;
}

describe('pushes', () => {
  it('tell temporary publications beside the list', () => {
    const client = subscribed();
    client.push(snapshot('1.1', view('r1', 'v')));
    client.transcript();
    const push = snapshot('1.1', view('r1', 'v')) as Push & { type: 'snapshot' };
    client.push({ ...push, temporary: [view('t', 'now')] });
    expect(client.transcript()).toEqual(['ack 1.1 1.1', 'told 1 [t=now] beside [r1=v]']);
    client.push(snapshot('1.2'));
    expect(client.transcript()).toEqual(['ack 1.1 1.2', 'changed 1 current 1.2 []']);
    client.push({ ...push, temporary: [7] as unknown as PublisherView[] });
    expect(client.transcript()).toEqual([]);
  });

  it('replace the list, even by an empty one, and are acknowledged', () => {
    const client = subscribed();
    client
      .push(snapshot('1.1'))
      .push(snapshot('1.2', view('r1', 'v')))
      .push(snapshot('1.3', view('r2', 'v')));
    expect(client.transcript()).toEqual([
      'ack 1.1 1.1',
      'changed 1 current 1.1 []',
      'ack 1.1 1.2',
      'changed 1 current 1.2 [r1=v]',
      'ack 1.1 1.3',
      'changed 1 current 1.3 [r2=v]',
    ]);
  });

  it('that are partial add, update and remove only by name', () => {
    const client = subscribed();
    client.push(snapshot('1.9', view('r1', 'a'), view('r2', 'b'), view('r3', 'c')));
    client.transcript();
    client.push(partial('2.1', ['r2'], view('r3', 'd'), view('r4', 'e')));
    expect(client.transcript()).toEqual(['ack 1.1 2.1', 'changed 1 current 2.1 [r1=a r3=d r4=e]']);
  });

  it('that are partial or pending do not make an unknown list current', () => {
    const client = subscribed();
    client.push(pending).push(partial('2.1', [], view('r1', 'a')));
    expect(client.transcript()).toEqual(['ack 1.1 2.1', 'changed 1 pending 2.1 [r1=a]']);
    client.push(partial('2.2', ['r1'])).push(snapshot('2.3'));
    expect(client.transcript()).toEqual([
      'ack 1.1 2.2',
      'changed 1 pending 2.2 []',
      'ack 1.1 2.3',
      'changed 1 current 2.3 []',
    ]);
  });

  it('that are pending keep the list', () => {
    const client = subscribed();
    client.push(snapshot('1.1', view('r1', 'a')));
    client.transcript();
    client.push(pending);
    expect(client.transcript()).toEqual([]);
    expect(client.core.current(1)).toMatchObject({ state: 'current', publishers: [{ registerId: 'r1' }] });
  });

  it('older than what is held are acknowledged and dropped', () => {
    const client = subscribed();
    client.push(snapshot('2.10', view('r1', 'a')));
    client.transcript();
    client
      .push(snapshot('2.9'))
      .push(snapshot('1.99'))
      .push(partial('2.9', ['r1']))
      .push(unchanged('2.9'));
    expect(client.transcript()).toEqual(['ack 1.1 2.9', 'ack 1.1 1.99', 'ack 1.1 2.9', 'ack 1.1 2.9']);
    expect(client.core.current(1)?.version).toBe('2.10');
  });

  it('that show nothing new are not told, but their version is kept', () => {
    const client = subscribed();
    client.push(snapshot('1.1', view('r1', 'a'), view('r2', 'b')));
    client.transcript();
    client.push(snapshot('1.2', view('r2', 'b'), view('r1', 'a')));
    expect(client.transcript()).toEqual(['ack 1.1 1.2']);
    expect(client.core.current(1)?.version).toBe('1.2');
    client.push(snapshot('1.3', { ...view('r1', 'a'), weight: 2 }, view('r2', 'b')));
    expect(client.transcript()).toHaveLength(2);
  });

  it('of another cluster begin a new world', () => {
    const client = subscribed();
    client.push(snapshot('9.9', view('r1', 'a')));
    client.push({ ...snapshot('1.1', view('r2', 'b')), clusterId: 'c2' } as Push);
    expect(client.transcript().at(-1)).toBe('changed 1 current 1.1 [r2=b]');
  });
});

describe('deltas', () => {
  const [one, two, three] = ['1', '2', '3'].map((digit) => digit.padStart(16, '0'));
  const whole: Push = {
    ...(snapshot('1.1', view('r1', 'a')) as Push & { type: 'snapshot' }),
    hashes: [one!],
    hash: one!,
  };
  const delta = (from: string, version: string, hash: string): Push => ({
    ...{ type: 'delta', dataInfoId: 'd', clusterId: 'c1', from, version, removed: [], hash },
    ...{ publishers: [view('r2', 'b')], hashes: [two!] },
  });

  it('are asked for unless the application wants none', () => {
    expect(subscribed().last('subscribe').payload).toMatchObject({ deltas: true });
    const client = new ClientHarness({ deltas: false }).start();
    client.subscribe(1);
    expect(client.last('subscribe').payload).not.toHaveProperty('deltas');
  });

  it('change the list, and are refused where they do not apply, which shows nothing', () => {
    const client = subscribed();
    client.push(whole).push(delta('1.1', '1.2', three!));
    expect(client.transcript().slice(2)).toEqual(['ack 1.1 1.2', 'changed 1 current 1.2 [r1=a r2=b]']);
    client.push(delta('1.1', '1.3', three!)).push(delta('1.2', '1.3', one!));
    expect(client.transcript()).toEqual(['refuse 1.1 1.3', 'refuse 1.1 1.3']);
    client.push(snapshot('1.3', view('r9', 'z')));
    expect(client.transcript()).toEqual(['ack 1.1 1.3', 'changed 1 current 1.3 [r9=z]']);
  });

  it('change neither a list told before nor one that is being written', () => {
    const client = new ClientHarness({ keep: true }).start();
    client.subscribe(1);
    client.push(whole);
    const told = client.core.current(1)!;
    const { changes } = client.last('changed');
    const { views } = client.last('keep');
    const updated = { ...delta('1.1', '1.2', two!), publishers: [view('r1', 'b')] } as Push;
    client.push(updated);
    expect(client.core.current(1)!.publishers).toEqual([view('r1', 'b')]);
    expect(client.last('changed').changes).toEqual({ added: [], updated: [view('r1', 'b')], removed: [] });
    expect([told.publishers, changes.added, views[0]!.publishers]).toEqual(Array(3).fill([view('r1', 'a')]));
  });

  it('change what one subscriber holds, and nobody else, also where that was empty', () => {
    const client = subscribed();
    client.push({ ...(snapshot('1.1') as Push & { type: 'snapshot' }), hashes: [], hash: '0'.repeat(16) });
    client.push(delta('1.1', '1.2', two!));
    client.subscribe(2);
    expect(client.core.current(2)).toMatchObject({ state: 'pending', publishers: [] });
    client.push(snapshot('1.2', view('r2', 'b')));
    expect(client.last('changed')).toMatchObject({ subscriber: 2, changes: { added: [view('r2', 'b')] } });
    expect(client.core.current(2)!.publishers).toEqual([view('r2', 'b')]);
  });

  it('of unknown form are dropped', () => {
    const client = subscribed();
    client.push(whole);
    client.transcript();
    const { hashes: _hashes, ...without } = delta('1.1', '1.2', three!) as Push & { type: 'delta' };
    client.push(without as Push).push({ ...without, hashes: ['x'] });
    expect(client.transcript()).toEqual(['refuse 1.1 1.2']);
  });

  it('let the next connection begin from the hash of what is held', () => {
    const client = subscribed();
    client.push(whole).push(delta('1.1', '1.2', three!));
    client.pass(2_000).drop().welcome();
    expect(client.transcript()).toContain(`subscribe 1.2 d from c1/1.2/${three}`);
  });
});

describe('subscriptions', () => {
  it('are made again over a new connection from the version held, and keep their list meanwhile', () => {
    const client = subscribed();
    client.push(snapshot('1.1', view('r1', 'a')));
    client.pass(2_000).drop();
    expect(client.core.current(1)?.publishers).toHaveLength(1);
    client.welcome();
    expect(client.transcript()).toContain('subscribe 1.2 d from c1/1.1');
    client.push(unchanged('1.1'));
    expect(client.transcript()).toEqual(['ack 1.2 1.1']);
  });

  it('of before a connection are opened with it, after the publications', () => {
    const client = new ClientHarness();
    client.subscribe(1);
    client.publish(1);
    client.do({ type: 'start' });
    client.welcome();
    expect(client.transcript()).toEqual(['dial 1 a:1', 'hello 1', 'ready', 'apply +r1=v1@1', 'subscribe 1.1 d']);
  });

  it('are told to the server when they end, and then hear nothing', () => {
    const client = subscribed();
    client.do({ type: 'unsubscribe', subscriber: 1 });
    client.fail(client.last('request'), failure('NOT_SUBSCRIBED'));
    client.push(snapshot('1.1'));
    client.pass(2_000).drop().welcome();
    expect(client.transcript().filter((line) => /subscribe|changed|ack/.test(line))).toEqual([
      'unsubscribe {"subscriptionId":"1.1"}',
    ]);
    expect(client.core.current(1)).toBeUndefined();
  });

  it('whose stream ends are opened again under another id', () => {
    const client = subscribed();
    const fail = (code: 'OVERLOADED' | 'NOT_FOUND'): void => {
      const { subscriptionId } = client.last('subscribe').payload;
      client.do({ type: 'pushFailed', connection: 1, subscriptionId, failure: failure(code) });
    };
    fail('OVERLOADED');
    expect(client.transcript()).toEqual([]);
    client.pass(200);
    client.push(snapshot('1.1', view('r1')), '1.1');
    expect(client.transcript()).toEqual(['subscribe 1.2 d']);
    fail('NOT_FOUND');
    client.pass(2_000).drop().welcome();
    expect(client.transcript().filter((line) => line.startsWith('subscri'))).toEqual([
      'subscriberFailed 1 NOT_FOUND',
      'subscribe 1.3 d',
    ]);
  });

  it('that no server would take are refused at once', () => {
    const client = new ClientHarness().start();
    client.subscribe(1, { dataId: '' });
    client.subscribe(2, { scope: 'world' as never });
    expect(client.transcript()).toEqual(['subscriberFailed 1 INVALID_NAME', 'subscriberFailed 2 INVALID_SCOPE']);
  });

  it('take their zone from the client unless they name one', () => {
    const client = new ClientHarness({ zone: 'z1' }).start();
    client.subscribe(1, { scope: 'zone' });
    expect(client.last('subscribe').payload).toMatchObject({ scope: 'zone', zone: 'z1' });
    client.subscribe(2, { zone: 'z2' });
    expect(client.last('subscribe').payload).toMatchObject({ zone: 'z2' });
  });

  it('know where they are from what the server has told, and group by zone what they hold', () => {
    const client = new ClientHarness();
    client.subscribe(1);
    client.subscribe(2, { zone: 'z2' });
    expect(client.core.current(1)).not.toHaveProperty('localZone');
    client.start({ zone: 'z1', dataCenter: 'dc' });
    expect(client.core.current(1)).toMatchObject({ localZone: 'z1', dataCenter: 'dc' });
    expect(client.core.current(2)).toMatchObject({ localZone: 'z2', dataCenter: 'dc' });
    const inZone = (registerId: string, zone: string) => ({ ...view(registerId, 'a'), zone });
    const [one, two, three] = [inZone('r1', 'z1'), inZone('r2', 'z2'), inZone('r3', 'z1')];
    client.push(snapshot('1.1', one!, two!, three!), '1.1');
    expect([...byZone(client.core.current(1)!)]).toEqual([
      ['z1', [one, three]],
      ['z2', [two]],
    ]);
  });
});
