import { failure } from '#model';
import { ClientHarness, stored } from './core.harness.js';

const seeds = ['a:1', 'b:1', 'c:1'];

function dials(client: ClientHarness): string[] {
  return client.effects.flatMap((effect) => (effect.type === 'dial' ? [effect.address] : []));
}

describe('connecting', () => {
  it('dials a seed at once, says hello and is ready with the welcome', () => {
    const client = new ClientHarness({ appName: 'app', zone: 'z' });
    client.do({ type: 'start' });
    client.welcome();
    expect(client.transcript()).toEqual(['dial 1 a:1', 'hello 1', 'ready']);
    expect(client.last('hello').hello).toEqual({ protocol: 1, appName: 'app', zone: 'z' });
  });

  it('begins with a seed of its own choice, so that clients spread', () => {
    const first = Array.from({ length: 40 }, (_, seed) => {
      const client = new ClientHarness({ seeds }, seed);
      client.do({ type: 'start' });
      return dials(client)[0];
    });
    expect(new Set(first)).toEqual(new Set(seeds));
  });

  it('tries every server in turn, waiting longer each time and never longer than the bound', () => {
    const client = new ClientHarness({ seeds });
    client.do({ type: 'start' });
    const waitsMs: number[] = [];
    for (let i = 0; i < 12; i++) {
      const count = dials(client).length;
      const fromMs = client.nowMs;
      client.drop();
      while (dials(client).length === count) client.pass(10);
      waitsMs.push(client.nowMs - fromMs);
    }
    const tried = dials(client);
    for (let round = 0; round < 12; round += 3) expect(new Set(tried.slice(round, round + 3)).size).toBe(3);
    for (let i = 1; i < tried.length; i++) expect(tried[i]).not.toBe(tried[i - 1]);
    expect(waitsMs[0]).toBeLessThanOrEqual(210);
    expect(Math.max(...waitsMs)).toBeGreaterThan(1_000);
    expect(Math.max(...waitsMs)).toBeLessThanOrEqual(5_010);
  });

  it('gives up a dial and a hello that stay without an answer, and hangs up what comes too late', () => {
    const client = new ClientHarness({ seeds: ['a:1', 'b:1'] });
    client.do({ type: 'start' });
    client.pass(2_300);
    client.do({ type: 'connected', connection: 1 });
    client.do({ type: 'connected', connection: 2 });
    client.pass(5_500);
    expect(client.transcript().map((line) => line.replace(/[ab]:1/, 'x'))).toEqual([
      'dial 1 x',
      'hangUp 1',
      'dial 2 x',
      'hangUp 1',
      'hello 2',
      'hangUp 2',
      'dial 3 x',
    ]);
  });

  it('goes elsewhere when its hello is refused', () => {
    const client = new ClientHarness({ seeds: ['a:1', 'b:1'] });
    client.do({ type: 'start' });
    client.do({ type: 'connected', connection: 1 });
    client.do({ type: 'failed', connection: 1, requestId: 0, failure: failure('NOT_READY') });
    client.pass(300);
    expect(new Set(dials(client))).toEqual(new Set(['a:1', 'b:1']));
  });
});

describe('a server that refuses', () => {
  const refuse = (client: ClientHarness, code: 'SHUTTING_DOWN' | 'OVERLOADED', retryAfterMs?: number): void => {
    const { connection } = client;
    client.do({ type: 'connected', connection });
    const given = failure(code, undefined, retryAfterMs === undefined ? {} : { retryAfterMs });
    client.do({ type: 'failed', connection, requestId: 0, failure: given });
  };

  it('is left for another at once, as long as there is one that has not', () => {
    const client = new ClientHarness({ seeds });
    client.do({ type: 'start' });
    refuse(client, 'SHUTTING_DOWN');
    refuse(client, 'OVERLOADED', 400);
    expect(new Set(dials(client))).toEqual(new Set(seeds));
    expect(client.nowMs).toBe(0);
    client.welcome();
    expect(client.transcript().at(-1)).toBe('ready');
  });

  it('is asked again when it said, a little later by each client, and the first of all the first', () => {
    const waitsMs = Array.from({ length: 20 }, (_, seed) => {
      const client = new ClientHarness({ seeds: ['a:1', 'b:1'] }, seed);
      client.do({ type: 'start' });
      refuse(client, 'OVERLOADED', 3_000);
      const sooner = client.last('dial').address;
      refuse(client, 'OVERLOADED', 1_000);
      client.pass(999);
      expect(dials(client)).toHaveLength(2);
      while (dials(client).length === 2) client.pass(1);
      expect(client.last('dial').address).toBe(sooner);
      return client.nowMs;
    });
    expect(Math.max(...waitsMs)).toBeLessThanOrEqual(1_251);
    expect(new Set(waitsMs).size).toBeGreaterThan(10);
  });

  it('is never asked in a hot loop, nor after an absurd time, whatever it says', () => {
    const client = new ClientHarness();
    client.do({ type: 'start' });
    for (let i = 0; i < 50; i++) {
      refuse(client, 'OVERLOADED', -1);
      client.pass(130);
    }
    expect(dials(client).length).toBeLessThanOrEqual(51);
    const count = dials(client).length;
    refuse(client, 'OVERLOADED', Number.MAX_VALUE);
    client.pass(29_999);
    expect(dials(client).length).toBe(count);
    client.pass(7_600);
    expect(dials(client).length).toBeGreaterThan(count);
  });

  it('does not make a client forget how often others could not be reached', () => {
    const client = new ClientHarness({ seeds: ['a:1', 'b:1'] });
    client.do({ type: 'start' });
    for (let i = 0; i < 8; i++) {
      client.drop();
      client.pass(5_000);
    }
    refuse(client, 'OVERLOADED', 60_000);
    const count = dials(client).length;
    for (let i = 0; i < 30; i++) {
      client.drop();
      client.pass(500);
    }
    expect(dials(client).length - count).toBeLessThan(12);
  });
});

describe('a lost connection', () => {
  it('is replaced at once, by another server that the welcome named', () => {
    const client = new ClientHarness().start({ sessions: ['a:1', 'b:1'] });
    client.pass(1_500).drop();
    expect(client.transcript().slice(-2)).toEqual(['degraded', expect.stringMatching('dial 2 b:1')]);
    client.welcome();
    expect(client.transcript()).toContain('ready');
    expect(client.last('hello').hello.clusterId).toBe('c1');
  });

  it('does not make a hot loop of a server that welcomes and drops', () => {
    const client = new ClientHarness().start();
    for (let i = 0; i < 200; i++) {
      client.drop();
      const count = dials(client).length;
      while (dials(client).length === count) client.pass(10);
      client.welcome();
    }
    expect(client.nowMs).toBeGreaterThan(200_000);
  });

  it('says nothing any more: what still comes from it is not heard', () => {
    const client = new ClientHarness().start();
    client.publish(1);
    const request = client.last('request');
    client.pass(2_000).drop().welcome();
    client.transcript();
    client.respond(request, { results: [stored(client.operations()[0]!)] });
    client.do({ type: 'disconnected', connection: 1, message: 'late' });
    expect(client.transcript()).toEqual([]);
  });
});

describe('where to go when the connection is lost', () => {
  const AFTER = 4_000;
  const waitMs = (client: ClientHarness): number => {
    const fromMs = client.nowMs;
    const count = dials(client).length;
    while (dials(client).length === count) client.pass(5);
    return client.nowMs - fromMs;
  };

  it('is waited for by a random part of the spread that the server told, so that not all come at once', () => {
    const waitsMs = Array.from({ length: 40 }, (_, seed) => {
      const client = new ClientHarness({}, seed).start({ sessions: ['b:1'], reconnectSpreadMs: 800 });
      return waitMs(client.pass(AFTER).drop());
    });
    expect(Math.max(...waitsMs)).toBeLessThanOrEqual(805);
    expect(Math.min(...waitsMs)).toBeLessThan(200);
    expect(Math.max(...waitsMs)).toBeGreaterThan(600);
  });

  it('is told anew while the connection lives, and no wait is longer than the bound', () => {
    const client = new ClientHarness().start({ sessions: ['b:1'] });
    client.notice({ type: 'servers', sessions: ['c:1', 'c:1', 'no address'], reconnectSpreadMs: 1e9 });
    expect(waitMs(client.pass(AFTER).drop())).toBeLessThanOrEqual(10_005);
    expect(client.last('dial').address).toBe('c:1');
    client.welcome({ sessions: ['c:1', 'd:1'] });
    client.notice({ type: 'servers', sessions: ['d:1'], reconnectSpreadMs: Number.NaN });
    client.pass(AFTER).drop();
    expect(client.last('dial').address).toBe('d:1');
  });

  it('is no reason to wait where the server asked to move, or has fallen silent', () => {
    const client = new ClientHarness().start({ sessions: ['b:1'], reconnectSpreadMs: 10_000 });
    client.pass(AFTER).notice({ type: 'move', reason: 'stopping', spreadMs: 0 });
    client.pass(1);
    expect(dials(client)).toHaveLength(2);
    client.welcome({ sessions: ['a:1', 'b:1'], reconnectSpreadMs: 10_000 });
    client.pass(9_000);
    expect(client.transcript().slice(-2)).toEqual(['degraded', expect.stringMatching(/^dial 3/)]);
  });

  it('is one of those learned first, and a seed before all of those have been tried', () => {
    const sessions = Array.from({ length: 300 }, (_, i) => `s${i}:1`);
    const client = new ClientHarness({ seeds }).start({ sessions });
    const from = dials(client).length;
    client.pass(AFTER).drop();
    for (let i = 0; i < 7; i++) {
      waitMs(client);
      client.drop();
    }
    const tried = dials(client).slice(from, from + 8);
    expect(tried.filter((address) => seeds.includes(address))).toHaveLength(2);
    expect(tried.slice(0, 3).every((address) => sessions.includes(address))).toBe(true);
  });

  it('is a seed again when those learned belong to another cluster', () => {
    const client = new ClientHarness().start({ sessions: ['b:1'] });
    client.pass(AFTER).drop();
    client.do({ type: 'connected', connection: client.connection });
    const mismatch = failure('CLUSTER_MISMATCH');
    client.do({ type: 'failed', connection: client.connection, requestId: 0, failure: mismatch });
    waitMs(client);
    expect(client.last('dial').address).toBe('a:1');
  });
});

describe('the state', () => {
  it('tells since when, why, where, and what was tried since', () => {
    const client = new ClientHarness({ seeds: ['a:1', 'b:1'] });
    client.pass(10).do({ type: 'start' });
    expect(client.core.status).toMatchObject({ state: 'connecting', sinceMs: 10, reason: 'started', attempts: 0 });
    client.drop();
    expect(client.core.status).toMatchObject({ state: 'connecting', sinceMs: 10, attempts: 1, lastFailure: 'reset' });
    client.pass(1_000).welcome();
    const server = client.last('dial').address;
    expect(client.last('stateChanged').status).toEqual({
      ...{ state: 'ready', sinceMs: client.nowMs, reason: 'welcomed', server, attempts: 0 },
      message: `Served by ${server}.`,
    });
    client.pass(2_000).drop();
    expect(client.core.status).toMatchObject({ state: 'degraded', sinceMs: client.nowMs, reason: 'connection-lost' });
    client.welcome().pass(2_000).notice({ type: 'move', reason: 'stopping', spreadMs: 0 }).pass(1);
    expect(client.core.status).toMatchObject({ state: 'degraded', reason: 'moved' });
    client.welcome().pass(9_000);
    expect(client.core.status).toMatchObject({ state: 'degraded', reason: 'unanswered' });
    client.close();
    expect(client.core.status).toMatchObject({ state: 'closed', reason: 'closed', sinceMs: client.nowMs });
  });
});

describe('heartbeats', () => {
  it('go out as often as the welcome says', () => {
    const client = new ClientHarness().start({ heartbeatMs: 500 });
    for (let i = 0; i < 4; i++) client.pass(500).respond(client.last('request'), {});
    expect(client.transcript()).toEqual(Array.from({ length: 4 }, () => 'heartbeat {}'));
  });

  it('find out a connection that is dead', () => {
    const client = new ClientHarness().start();
    client.pass(8_500);
    expect(client.transcript()).toEqual(['heartbeat {}', 'heartbeat {}', 'hangUp 1', 'degraded', 'dial 2 a:1']);
  });

  it('need no answer of their own while anything else comes', () => {
    const client = new ClientHarness().start();
    client.subscribe(1);
    for (let i = 0; i < 30; i++) client.pass(1_000).push({ type: 'pending', dataInfoId: 'd' });
    expect(client.transcript()).not.toContain('degraded');
  });

  it('do not take a process that stood still for a dead connection', () => {
    const client = new ClientHarness().start();
    client.pass(3_000).stall(20_000);
    client.respond(client.last('request'), {});
    client.pass(2_000);
    expect(client.transcript()).not.toContain('degraded');
    client.pass(10_000);
    expect(client.transcript()).toContain('degraded');
  });
});

it('a request without an answer within the deadline ends the connection', () => {
  const client = new ClientHarness().start({ heartbeatMs: 60_000 });
  client.publish(1);
  client.pass(5_000);
  expect(client.transcript()).toEqual(['apply +r1=v1@1', 'hangUp 1', 'degraded', 'dial 2 a:1']);
});

it('an end of the notices ends the connection', () => {
  const client = new ClientHarness().start();
  client.pass(1_500);
  client.do({ type: 'failed', connection: 1, requestId: 0, failure: failure('CONNECTION_CLOSED') });
  expect(client.transcript()).toEqual(['hangUp 1', 'degraded', 'dial 2 a:1']);
});

describe('asked to move', () => {
  it('goes elsewhere within the spread, without a goodbye', () => {
    const client = new ClientHarness().start({ sessions: ['a:1', 'b:1'] });
    client.publish(1);
    client.answer();
    client.pass(1_500).notice({ type: 'move', reason: 'stopping', spreadMs: 1_000 });
    expect(client.transcript()).toEqual(['apply +r1=v1@1', 'settled 1 stored']);
    client.pass(1_000);
    expect(client.transcript()).toEqual(['hangUp 1', 'degraded', 'dial 2 b:1']);
    client.welcome();
    expect(client.transcript()).toContain('apply +r1=v1@2');
  });

  it('waits differently from its neighbours', () => {
    const waitsMs = Array.from({ length: 20 }, (_, seed) => {
      const client = new ClientHarness({}, seed).start({ sessions: ['b:1'], heartbeatMs: 60_000 });
      client.pass(1_500).notice({ type: 'move', reason: 'stopping', spreadMs: 10_000 });
      const fromMs = client.nowMs;
      while (client.transcript().length === 0) client.pass(100);
      return client.nowMs - fromMs;
    });
    expect(Math.max(...waitsMs) - Math.min(...waitsMs)).toBeGreaterThan(5_000);
  });

  it('stays where it is when there is nowhere else', () => {
    const client = new ClientHarness().start({ sessions: ['a:1'], heartbeatMs: 60_000 });
    client.notice({ type: 'move', reason: 'stopping', spreadMs: 0 }).pass(2_000);
    expect(client.transcript()).toEqual([]);
  });
});

describe('closing', () => {
  it('finishes unpublishes, says goodbye, and settles what is left', () => {
    const client = new ClientHarness({ limits: { appliesInFlight: 1 } }).start();
    client.publish(1);
    client.answer();
    client.publish(2);
    client.unpublish(1);
    client.publish(3);
    client.close();
    client.answer();
    client.answer();
    client.respond(client.last('request'), {});
    expect(client.transcript()).toEqual([
      'apply +r1=v1@1',
      'settled 1 stored',
      'apply +r2=v1@1',
      'settled 2 stored',
      'apply -r1@2',
      'settled 3 stored',
      'goodbye {}',
      'hangUp 1',
      'settled 4 SHUTTING_DOWN',
      'settled 5 stored',
      'closed',
    ]);
  });

  it('does not wait longer than one deadline', () => {
    const client = new ClientHarness().start();
    client.publish(1);
    client.close();
    client.pass(5_000);
    expect(client.transcript()).toEqual([
      'apply +r1=v1@1',
      'heartbeat {}',
      'hangUp 1',
      'settled 1 SHUTTING_DOWN',
      'settled 2 accepted',
      'closed',
    ]);
  });

  it('without drain leaves without a word', () => {
    const client = new ClientHarness().start();
    client.close(false);
    expect(client.transcript()).toEqual(['hangUp 1', 'settled 1 accepted', 'closed']);
  });

  it('is the end when the connection ends meanwhile', () => {
    const client = new ClientHarness().start();
    client.close();
    client.drop();
    expect(client.transcript()).toEqual(['goodbye {}', 'settled 1 accepted', 'closed']);
  });

  it('works before any connection, twice, and afterwards nothing works', () => {
    const client = new ClientHarness();
    client.do({ type: 'start' });
    client.publish(1);
    client.close();
    client.close();
    client.publish(2);
    client.unpublish(1);
    client.subscribe(1);
    client.pass(60_000);
    expect(client.transcript()).toEqual([
      'dial 1 a:1',
      'hangUp 1',
      'settled 1 SHUTTING_DOWN',
      'settled 2 accepted',
      'closed',
      'settled 3 stored',
      'settled 4 SHUTTING_DOWN',
      'settled 5 SHUTTING_DOWN',
    ]);
  });
});

it('a seed that belongs to another cluster now is met anew, without bases', () => {
  const client = new ClientHarness().start({ sessions: ['b:1'] });
  client.subscribe(1);
  client.push({ type: 'snapshot', dataInfoId: 'd', clusterId: 'c1', version: '9.9', publishers: [] });
  client.pass(2_000).drop();
  client.do({ type: 'connected', connection: client.connection });
  client.do({ type: 'failed', connection: client.connection, requestId: 0, failure: failure('CLUSTER_MISMATCH') });
  client.pass(300);
  expect(client.last('dial').address).toBe('a:1');
  client.welcome({ clusterId: 'c2' });
  expect(client.last('hello').hello.clusterId).toBeUndefined();
  expect(client.last('subscribe').payload.base).toBeUndefined();
});

it('one seed replays a run exactly', () => {
  const run = (): unknown => {
    const client = new ClientHarness({ seeds }, 7);
    client.publish(1, { registerId: undefined } as never);
    client.do({ type: 'start' });
    for (let i = 0; i < 5; i++) client.drop().pass(3_000);
    client.welcome().pass(20_000);
    return client.effects;
  };
  expect(run()).toEqual(run());
});

it('nothing a server sends makes the core throw', () => {
  const client = new ClientHarness().start();
  client.subscribe(1);
  client.publish(1);
  const connection = client.connection;
  const { subscriptionId } = client.last('subscribe').payload;
  for (const junk of [undefined, null, 1, 'x', [], {}, { type: 'snapshot' }, { type: 'welcome' }, { type: 'stale' }]) {
    client.do({ type: 'push', connection, subscriptionId, push: junk as never });
    client.do({ type: 'notice', connection, notice: junk as never });
    client.do({ type: 'response', connection, requestId: 99, response: junk });
    client.do({ type: 'failed', connection, requestId: 99, failure: junk as never });
    client.do({
      type: 'push',
      connection,
      subscriptionId,
      push: { type: 'snapshot', clusterId: 'c', version: '1.1', publishers: [junk] } as never,
    });
  }
  client.push({ type: 'snapshot', dataInfoId: 'd', clusterId: 'c1', version: '1.1', publishers: [] });
  expect(client.core.current(1)?.state).toBe('current');
});
