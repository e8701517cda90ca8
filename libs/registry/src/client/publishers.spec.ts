import { type ClientOperation, type ClientResult, type Stamp, failure } from '#model';
import { ClientHarness, WALL_MS, accepted, stored } from './core.harness.js';

function stale(held: Stamp): (operation: ClientOperation) => ClientResult {
  return () => ({ status: 'failed', failure: failure('STALE_REGISTRATION', undefined, { details: { held } }) });
}

function nonceOf(client: ClientHarness): number {
  return client.operations().at(-1)?.stamp?.[2] as number;
}

describe('publishing', () => {
  it('sends a lone publish at once and settles the call by its answer', () => {
    const client = new ClientHarness().start();
    client.publish(1);
    client.answer();
    client.publish(2);
    client.answer(accepted);
    expect(client.transcript()).toEqual(['apply +r1=v1@1', 'settled 1 stored', 'apply +r2=v1@1', 'settled 2 accepted']);
  });

  it('names itself, its zone and its time in what it publishes', () => {
    const client = new ClientHarness({ zone: 'z1', appName: 'app' }).start();
    client.publish(1, { registerId: undefined, zone: undefined, attributes: { weight: 3 } } as never);
    expect(client.operations()[0]).toEqual({
      op: 'publish',
      dataId: 'd',
      group: 'DEFAULT_GROUP',
      instanceId: 'DEFAULT_INSTANCE_ID',
      registerId: expect.stringMatching(/^[a-z0-9]{20}$/),
      zone: 'z1',
      appName: 'app',
      data: ['v1'],
      attributes: { weight: 3 },
      registerTimestamp: WALL_MS,
      stamp: [WALL_MS, 1, expect.any(Number)],
    });
  });

  it('merges what waits while requests are in flight, and keeps the order', () => {
    const client = new ClientHarness({ limits: { appliesInFlight: 1 } }).start();
    client.publish(1);
    client.publish(2);
    client.publish(3);
    client.answer();
    client.answer();
    expect(client.transcript()).toEqual([
      'apply +r1=v1@1',
      'settled 1 stored',
      'apply +r2=v1@1, +r3=v1@1',
      'settled 2 stored',
      'settled 3 stored',
    ]);
  });

  it('bounds a batch by count and by bytes', () => {
    const client = new ClientHarness({ limits: { appliesInFlight: 1, applyBatch: 3 } }).start();
    for (let i = 1; i <= 6; i++) client.publish(i);
    client.answer();
    expect(
      client.requests('registry.apply').map((request) => (request.payload as never)['operations']['length']),
    ).toEqual([1, 3]);
    const big = new ClientHarness({ limits: { appliesInFlight: 1 } }).start();
    for (let i = 1; i <= 9; i++) big.publish(i, { data: ['x'.repeat(60_000)] });
    big.answer();
    const sizes = big.requests('registry.apply').map((request) => JSON.stringify(request.payload).length);
    expect(Math.max(...sizes)).toBeLessThan(1024 * 1024);
    expect(sizes.length).toBe(2);
  });

  it('sends one change of a publisher at a time; the last word wins and settles the calls before it', () => {
    const client = new ClientHarness().start();
    client.publish(1);
    client.republish(1, 'v2');
    client.republish(1, 'v3');
    client.answer();
    client.answer();
    client.republish(1, 'v4');
    client.unpublish(1);
    client.answer();
    client.answer();
    expect(client.transcript()).toEqual([
      'apply +r1=v1@1',
      'settled 1 stored',
      'apply +r1=v3@2',
      'settled 2 stored',
      'settled 3 stored',
      'apply +r1=v4@3',
      'settled 4 stored',
      'apply -r1@4',
      'settled 5 stored',
    ]);
  });

  it('keeps timestamp and nonce for life, so that only the version rises', () => {
    const client = new ClientHarness().start();
    client.publish(1);
    client.answer();
    client.republish(1, 'v2');
    const [first, second] = client.operations().map((operation) => operation.stamp as Stamp);
    expect(second).toEqual([first![0], first![1] + 1, first![2]]);
  });

  it('refuses what no server would take, without sending it', () => {
    const client = new ClientHarness().start();
    client.publish(1, { dataId: 'a#@#b' });
    client.publish(2, { data: ['x'.repeat(70_000)] });
    client.publish(3, { attributes: { loop: 1n } });
    const deep = JSON.parse('{"a":'.repeat(70) + '1' + '}'.repeat(70));
    client.publish(4, { attributes: deep });
    client.republish(9, 'v');
    client.publish(5);
    client.publish(6, { registerId: 'r5' });
    expect(client.transcript()).toEqual([
      'settled 1 INVALID_NAME',
      'settled 2 DATA_TOO_LARGE',
      'settled 3 BAD_REQUEST',
      'settled 4 DATA_TOO_LARGE',
      'settled 5 NOT_REGISTERED',
      'apply +r5=v1@1',
      'settled 7 BAD_REQUEST',
    ]);
  });

  it('answers OVERLOADED when too many calls wait', () => {
    const client = new ClientHarness({ limits: { pendingCalls: 2 } });
    client.do({ type: 'start' });
    client.publish(1);
    client.publish(2);
    client.publish(3);
    expect(client.outcomes.get(3)).toMatchObject({ ok: false, failure: { code: 'OVERLOADED' } });
    client.welcome().answer();
    client.publish(4);
    client.answer();
    expect(client.outcomes.get(4)).toEqual({ ok: true, stored: true });
  });
});

describe('replay', () => {
  it('tells everything again over a new connection, each under a stamp never used before', () => {
    const client = new ClientHarness().start();
    client.publish(1);
    client.answer();
    client.publish(2);
    client.pass(2_000).drop().welcome();
    client.answer();
    client.pass(2_000).drop().welcome();
    expect(client.transcript().filter((line) => /apply|settled/.test(line))).toEqual([
      'apply +r1=v1@1',
      'settled 1 stored',
      'apply +r2=v1@1',
      'apply +r1=v1@2, +r2=v1@2',
      'settled 2 stored',
      'apply +r1=v1@3, +r2=v1@3',
    ]);
  });

  it('sends an unpublish again that was not acknowledged, and forgets it once it is', () => {
    const client = new ClientHarness().start();
    client.publish(1);
    client.answer();
    const call = client.unpublish(1);
    client.pass(2_000).drop().welcome();
    client.answer();
    expect(client.outcomes.get(call)).toEqual({ ok: true, stored: true });
    client.pass(2_000).drop().welcome();
    expect(client.transcript().filter((line) => line.startsWith('apply'))).toEqual([
      'apply +r1=v1@1',
      'apply -r1@2',
      'apply -r1@3',
    ]);
  });

  it('replays many in bounded batches with bounded requests in flight', () => {
    const client = new ClientHarness({ limits: { applyBatch: 10, appliesInFlight: 2 } });
    for (let i = 1; i <= 45; i++) client.publish(i);
    client.do({ type: 'start' });
    client.welcome();
    expect(client.requests('registry.apply')).toHaveLength(2);
    const answered = new Set<number>();
    for (
      let open = client.requests('registry.apply');
      open.length > answered.size;
      open = client.requests('registry.apply')
    ) {
      const request = open.find(({ requestId }) => !answered.has(requestId))!;
      answered.add(request.requestId);
      client.respond(request, {
        results: (request.payload as { operations: ClientOperation[] }).operations.map(stored),
      });
      expect(client.requests('registry.apply').length - answered.size).toBeLessThanOrEqual(2);
    }
    expect(answered.size).toBe(5);
    expect(client.outcomes.size).toBe(45);
  });

  it('never sends what was published and unpublished before any connection', () => {
    const client = new ClientHarness();
    client.publish(1);
    client.unpublish(1);
    client.start();
    expect(client.outcomes.get(2)).toEqual({ ok: true, stored: false });
    expect(client.operations()).toEqual([]);
  });
});

describe('a stamp that is not above the one held', () => {
  const ahead: Stamp = [WALL_MS + 500, 7, 42];

  it('is sent again above it, and keeps standing above it', () => {
    const client = new ClientHarness().start();
    client.publish(1);
    client.answer(stale(ahead));
    client.answer();
    client.republish(1, 'v2');
    client.answer();
    expect(client.transcript()).toEqual([
      'apply +r1=v1@1',
      `apply +r1=v1@${WALL_MS + 500}.8`,
      'settled 1 stored',
      `apply +r1=v2@${WALL_MS + 500}.9`,
      'settled 2 stored',
    ]);
  });

  it('is heard of in a notice too, also one that crosses with an operation in flight', () => {
    const client = new ClientHarness().start();
    client.publish(1);
    client.answer(accepted);
    client.notice({ type: 'stale', registerId: 'r1', held: ahead });
    client.notice({ type: 'stale', registerId: 'r1', held: [WALL_MS + 500, 9, 42] });
    client.answer(stored);
    client.answer(stored);
    expect(client.transcript()).toEqual([
      'apply +r1=v1@1',
      'settled 1 accepted',
      `apply +r1=v1@${WALL_MS + 500}.8`,
      `apply +r1=v1@${WALL_MS + 500}.10`,
    ]);
    client.notice({ type: 'stale', registerId: 'r1', held: ahead });
    client.notice({ type: 'stale', registerId: 'unknown', held: ahead });
    expect(client.transcript()).toEqual([]);
  });

  it('is not fought over without end: the call is told, a new publisher given up', () => {
    const client = new ClientHarness().start();
    const call = client.publish(1);
    for (let i = 0; i < 6; i++) {
      client.answer(stale([WALL_MS + 1_000 + i, 1, 42]));
      client.pass(2_000);
    }
    expect(client.outcomes.get(call)).toMatchObject({ ok: false, failure: { code: 'STALE_REGISTRATION' } });
    const sent = client.operations().length;
    client.pass(120_000);
    expect(client.operations()).toHaveLength(sent);
  });

  it('slows a quarrel between two publishers down', () => {
    const client = new ClientHarness().start();
    client.publish(1);
    client.answer();
    const sentInOneSecond = () => {
      const before = client.operations().length;
      for (let i = 0; i < 200; i++) {
        client.pass(5);
        const held = client.operations().at(-1)!.stamp!;
        client.notice({ type: 'stale', registerId: 'r1', held: [held[0], held[1] + 1, 42] });
        client.answer();
      }
      return client.operations().length - before;
    };
    sentInOneSecond();
    expect(sentInOneSecond()).toBeLessThan(20);
  });

  it('does not let an unpublish take what another publisher has put there since', () => {
    const client = new ClientHarness().start();
    client.publish(1);
    client.answer();
    const call = client.unpublish(1);
    client.answer(stale(ahead));
    expect(client.outcomes.get(call)).toEqual({ ok: true, stored: true });
    client.pass(10_000);
    expect(client.operations()).toHaveLength(2);
  });

  it('lets an unpublish go above a stamp of its own publisher', () => {
    const client = new ClientHarness().start();
    client.publish(1);
    client.answer();
    client.unpublish(1);
    client.transcript();
    client.answer(stale([WALL_MS, 9, nonceOf(client)]));
    client.answer();
    expect(client.transcript()).toEqual(['apply -r1@10', 'settled 2 stored']);
  });
});

describe('a refusal', () => {
  it('ends the publisher that was never stored', () => {
    const client = new ClientHarness().start();
    client.publish(1);
    client.answer(() => ({ status: 'failed', failure: failure('INVALID_NAME') }));
    client.pass(2_000).drop().welcome();
    expect(client.outcomes.get(1)).toMatchObject({ failure: { code: 'INVALID_NAME' } });
    expect(client.operations()).toHaveLength(1);
  });

  it('of a republish leaves what was stored before, also in a replay', () => {
    const client = new ClientHarness().start();
    client.publish(1);
    client.answer();
    client.republish(1, 'bad');
    client.answer(() => ({ status: 'failed', failure: failure('DATA_TOO_LARGE') }));
    client.pass(2_000).drop().welcome();
    expect(client.transcript().filter((line) => /apply|settled/.test(line))).toEqual([
      'apply +r1=v1@1',
      'settled 1 stored',
      'apply +r1=bad@2',
      'settled 2 DATA_TOO_LARGE',
      'apply +r1=v1@3',
    ]);
  });

  it('that may pass is tried again, ever more slowly, until it does', () => {
    const client = new ClientHarness().start();
    client.publish(1);
    const atMs: number[] = [];
    for (let i = 0; i < 4; i++) {
      const sent = client.operations().length;
      client.answer(() => ({ status: 'failed', failure: failure('OVERLOADED') }));
      expect(client.operations()).toHaveLength(sent);
      const fromMs = client.nowMs;
      while (client.operations().length === sent) client.pass(10);
      atMs.push(client.nowMs - fromMs);
    }
    expect(Math.min(...atMs)).toBeGreaterThanOrEqual(100);
    expect(Math.max(...atMs)).toBeLessThanOrEqual(1_700);
    client.answer();
    expect(client.outcomes.get(1)).toEqual({ ok: true, stored: true });
  });

  it('with a retry-after is not tried before it', () => {
    const client = new ClientHarness().start();
    client.publish(1);
    client.answer(() => ({ status: 'failed', failure: failure('NOT_READY', undefined, { retryAfterMs: 4_000 }) }));
    client.pass(3_900);
    expect(client.operations()).toHaveLength(1);
    client.pass(200);
    expect(client.operations()).toHaveLength(2);
  });

  it('of a whole batch is not the fault of every operation: each is sent once more alone', () => {
    const client = new ClientHarness({ limits: { appliesInFlight: 1 } });
    for (let i = 1; i <= 3; i++) client.publish(i);
    client.start();
    client.fail(client.requests('registry.apply').at(-1)!, failure('BAD_REQUEST'));
    client.answer();
    client.answer(() => ({ status: 'failed', failure: failure('BAD_REQUEST') }));
    client.answer();
    expect(client.transcript()).toEqual([
      'apply +r1=v1@2',
      'settled 1 stored',
      'apply +r2=v1@2',
      'settled 2 BAD_REQUEST',
      'apply +r3=v1@2',
      'settled 3 stored',
    ]);
  });

  it('without form counts as a passing fault', () => {
    const client = new ClientHarness().start();
    client.publish(1);
    client.respond(client.last('request'), { results: 'none' });
    client.pass(300);
    client.respond(client.last('request'), null);
    client.pass(500);
    client.answer();
    expect(client.outcomes.get(1)).toEqual({ ok: true, stored: true });
  });
});

it('a registration under the id of one that is leaving stands above it', () => {
  const client = new ClientHarness().start();
  client.publish(1);
  client.answer();
  client.unpublish(1);
  client.publish(2, { registerId: 'r1' });
  client.respond(client.requests('registry.apply')[1]!, { results: [stored(client.operations()[1]!)] });
  client.respond(client.requests('registry.apply')[2]!, { results: [stored(client.operations()[2]!)] });
  client.pass(2_000).drop().welcome();
  expect(client.transcript().filter((line) => /apply|settled/.test(line))).toEqual([
    'apply +r1=v1@1',
    'settled 1 stored',
    'apply -r1@2',
    'settled 2 accepted',
    'apply +r1=v1@3',
    'settled 3 stored',
    'apply +r1=v1@4',
  ]);
});
