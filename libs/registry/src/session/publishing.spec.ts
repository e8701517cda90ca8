import { DATUM, SessionHarness, publishOf, stampOf, tableOf } from './core.harness.js';

describe('publishing over a connection', () => {
  it('forwards at once and answers when the leader has stored it', () => {
    const session = SessionHarness.ready();
    session.connect(1);
    session.publish(1, 'a');
    session.applied();
    expect(session.transcript()).toEqual(['d1 <- operations +a@1', 'c1 <- stored a 1.1']);
  });

  it('sends the operations of one request for one slot together, and answers them together', () => {
    const session = SessionHarness.ready();
    session.connect(1);
    session.request(1, {
      kind: 'apply',
      operations: [
        publishOf('a'),
        publishOf('b'),
        { op: 'refused', registerId: 'bad', failure: { code: 'INVALID_NAME', message: '' } },
        publishOf('c'),
      ],
    });
    session.applied();
    expect(session.transcript()).toEqual([
      'd1 <- operations +a@1 +b@1 +c@1',
      'c1 <- stored a 1.1, stored b 1.2, INVALID_NAME bad, stored c 1.3',
    ]);
  });

  it('answers an empty list of operations with an empty list', () => {
    const session = SessionHarness.ready();
    session.connect(1);
    session.request(1, { kind: 'apply', operations: [] });
    expect(session.effects.at(-1)).toMatchObject({ type: 'reply', reply: { kind: 'applied', results: [] } });
  });

  it('refuses a stamp below the one held, and tells which is held', () => {
    const session = SessionHarness.ready();
    session.connect(1);
    session.publish(1, 'a', 5);
    session.applied();
    session.publish(1, 'a', 4);
    session.unpublish(1, 'a', 3);
    expect(session.transcript().slice(2)).toEqual([
      'c1 <- STALE_REGISTRATION a below 5',
      'c1 <- STALE_REGISTRATION a below 5',
    ]);
  });

  it('takes the same stamp again from the same connection only', () => {
    const session = SessionHarness.ready();
    session.connect(1, 2);
    session.publish(1, 'a');
    session.applied();
    session.publish(1, 'a');
    session.applied();
    session.publish(2, 'a');
    session.unpublish(2, 'a', 1);
    expect(session.transcript()).toEqual([
      'd1 <- operations +a@1',
      'c1 <- stored a 1.1',
      'd1 <- operations +a@1',
      'c1 <- stored a 1.1',
      'c2 <- STALE_REGISTRATION a below 1',
      'c2 <- STALE_REGISTRATION a below 1',
    ]);
  });

  it('passes on the stamp that the leader holds', () => {
    const session = SessionHarness.ready();
    session.connect(1);
    session.publish(1, 'a');
    session.applied([{ status: 'stale', held: stampOf(8) }]);
    session.publish(1, 'a', 9);
    session.applied();
    expect(session.transcript()).toEqual([
      'd1 <- operations +a@1',
      'c1 <- STALE_REGISTRATION a below 8',
      'd1 <- operations +a@9',
      'c1 <- stored a 1.1',
    ]);
  });

  it('fails with OVERLOADED what would be too much for one leader, and records none of it', () => {
    const session = SessionHarness.ready();
    session.connect(1);
    for (let batch = 0; batch < 20; batch++) {
      const operations = Array.from({ length: 1_000 }, (_, i) => publishOf(`${batch}-${i}`));
      session.request(1, { kind: 'apply', operations });
    }
    session.transcript();
    session.publish(1, 'more');
    expect(session.transcript()).toEqual(['c1 <- OVERLOADED more']);
    expect(session.core.counts.publishers).toBe(20_000);
  });
});

describe('publishing without stamps', () => {
  it('makes a stamp of the time of the request', () => {
    const session = SessionHarness.ready();
    session.connect(1);
    session.publish(1, 'a', null);
    expect(session.lastSent('operations').operations).toEqual([
      {
        op: 'publish',
        publication: expect.objectContaining({
          stamp: [session.wallMs, 1, expect.any(Number)],
          registerTimestamp: session.wallMs,
        }),
      },
    ]);
  });

  it('makes each stamp higher than the last, though the clock stands still or steps back', () => {
    const session = SessionHarness.ready();
    session.connect(1);
    session.publish(1, 'a', null);
    session.wallMs -= 1_000;
    session.publish(1, 'a', null);
    session.publish(1, 'a', null);
    expect(session.transcript()).toEqual(['d1 <- operations +a@1', 'd1 <- operations +a@2', 'd1 <- operations +a@3']);
  });

  it('never makes the same stamp for two connections', () => {
    const session = SessionHarness.ready();
    session.connect(1, 2);
    session.publish(1, 'a', null);
    const first = session.lastSent('operations').operations[0];
    session.publish(2, 'b', null);
    const second = session.lastSent('operations').operations[0];
    const nonces = [first, second].map((operation) => operation?.op === 'publish' && operation.publication.stamp?.[2]);
    expect(nonces[0]).not.toBe(nonces[1]);
  });

  it('raises nothing for a connection that is lost: its client may have published elsewhere meanwhile', () => {
    const session = SessionHarness.ready();
    session.connect(1);
    session.publish(1, 'a', null);
    session.applied();
    session.disconnect(1);
    session.table(tableOf(2, 'd2', 2));
    session.dataUp('d2');
    session.transcript();
    session.want([], [{ registerId: 'a', held: stampOf(8) }]);
    session.reconciled();
    session.pass(10_000);
    expect(session.transcript().filter((line) => line.includes('a@'))).toEqual([]);
  });

  it('raises its stamp above what the leader holds, without bothering the client', () => {
    const session = SessionHarness.ready();
    session.connect(1);
    session.publish(1, 'a', null);
    session.applied([{ status: 'stale', held: stampOf(8) }]);
    session.applied();
    expect(session.transcript()).toEqual(['d1 <- operations +a@1', 'd1 <- operations +a@9', 'c1 <- stored a 1.1']);
  });

  it('gives up raising after some times in a row', () => {
    const session = SessionHarness.ready();
    session.connect(1);
    session.publish(1, 'a', null);
    for (let i = 1; i <= 6; i++) session.applied([{ status: 'stale', held: stampOf(10 * i) }]);
    expect(session.transcript().at(-1)).toBe('c1 <- STALE_REGISTRATION a below 60');
    expect(session.core.counts.publishers).toBe(0);
  });

  it('unpublishes what it holds, and says so when it holds nothing', () => {
    const session = SessionHarness.ready();
    session.connect(1);
    session.publish(1, 'a', null);
    session.applied();
    session.unpublish(1, 'a', null);
    session.applied();
    session.unpublish(1, 'a', null);
    expect(session.transcript().slice(2)).toEqual([
      'd1 <- operations -a@2(unpublish)',
      'c1 <- stored a 1.1',
      'c1 <- NOT_REGISTERED a',
    ]);
  });
});

describe('leaving', () => {
  it('forwards an unpublish also of what is not held here, so that it leaves a tombstone', () => {
    const session = SessionHarness.ready();
    session.connect(1);
    session.unpublish(1, 'a');
    session.applied();
    expect(session.transcript()).toEqual(['d1 <- operations -a@2(unpublish)', 'c1 <- stored a 1.1']);
  });

  it('removes everything of a connection that says goodbye, with the stamps that travelled over it', () => {
    const session = SessionHarness.ready();
    session.connect(1, 2);
    session.publish(1, 'a', 3);
    session.publish(1, 'b', 4);
    session.publish(2, 'c', 5);
    session.transcript();
    session.request(1, { kind: 'goodbye' });
    session.disconnect(1);
    session.pass(10_000);
    expect(session.transcript()).toContainEqual('d1 <- operations -a@3(goodbye) -b@4(goodbye)');
    expect(session.core.counts.publishers).toBe(1);
  });

  it('keeps what a lost connection published for the grace, then removes it', () => {
    const session = SessionHarness.ready();
    session.connect(1);
    session.publish(1, 'a');
    session.applied();
    session.transcript();
    session.disconnect(1);
    session.pass(2_999);
    expect(session.transcript()).toEqual([]);
    session.pass(1);
    expect(session.transcript()).toEqual(['d1 <- operations -a@1(grace-expired)']);
  });

  it('leaves alone what the client has meanwhile published over another connection', () => {
    const session = SessionHarness.ready();
    session.connect(1, 2);
    session.publish(1, 'a');
    session.publish(1, 'b');
    session.disconnect(1);
    session.publish(2, 'a', 2);
    session.applied();
    session.transcript();
    session.pass(3_000);
    expect(session.transcript()).toEqual(['d1 <- operations -b@1(grace-expired)']);
    expect(session.core.counts.publishers).toBe(1);
  });

  it('tells who is up that the word of another connection has taken the place of its own', () => {
    const session = SessionHarness.ready();
    session.connect(1, 2, 3);
    session.publish(2, 'a', 3);
    session.applied();
    session.transcript();
    const operation = { op: 'unpublish' as const, registerId: 'a', dataInfoId: DATUM, stamp: stampOf(4, 8) };
    session.request(3, { kind: 'apply', operations: [operation] });
    expect(session.transcript()).toContain('c2 <- stale a below 4');
    // A client that publishes again over its next connection is not told of itself.
    session.publish(2, 'b', 1);
    session.transcript();
    session.publish(3, 'b', 2);
    expect(session.transcript().join()).not.toContain('stale');
  });

  it('says nothing to anybody when a clean-up comes too late', () => {
    const session = SessionHarness.ready();
    session.connect(1);
    session.publish(1, 'a');
    session.applied();
    session.disconnect(1);
    session.pass(3_000);
    session.transcript();
    session.applied([{ status: 'stale', held: stampOf(2) }]);
    expect(session.transcript()).toEqual([]);
    expect(session.core.counts.removals).toBe(0);
  });

  it('does not count the time for which the process itself stood still into the grace', () => {
    const session = SessionHarness.ready();
    session.connect(1);
    session.publish(1, 'a');
    session.applied();
    session.disconnect(1);
    session.transcript();
    session.stall(60_000);
    expect(session.transcript()).toEqual([]);
    session.pass(3_000);
    expect(session.transcript()).toEqual(['d1 <- operations -a@1(grace-expired)']);
  });

  it('answers requests whose connection is gone all the same, once', () => {
    const session = SessionHarness.ready();
    session.connect(1);
    session.publish(1, 'a');
    session.disconnect(1);
    session.applied();
    session.pass(1_000);
    expect(session.transcript()).toEqual(['d1 <- operations +a@1', 'c1 <- CONNECTION_CLOSED']);
  });

  it('forgets removals after a while', () => {
    const session = SessionHarness.ready({ limits: { tombstoneMs: 5_000 } });
    session.connect(1);
    session.unpublish(1, 'a');
    session.applied();
    expect(session.core.counts.removals).toBe(1);
    session.pass(7_000);
    expect(session.core.counts.removals).toBe(0);
    session.table(tableOf(2, 'd2', 2));
    session.dataUp('d2');
    expect(session.lastSent('digest').removals).toEqual([]);
  });
});
