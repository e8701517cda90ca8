import { SessionHarness, publishOf, stampOf, tableOf } from './core.harness.js';

describe('the way to a slot leader', () => {
  it('begins with a digest of everything held, even of nothing', () => {
    const session = new SessionHarness().joined();
    session.table(tableOf(1));
    session.dataUp('d1');
    session.want();
    session.reconciled();
    expect(session.transcript()).toEqual(['dial d1:1', 'd1 <- digest', 'd1 <- reconcile']);
  });

  it('sends what comes up after the digest at once, since links keep order', () => {
    const session = new SessionHarness().joined();
    session.table(tableOf(1));
    session.dataUp('d1');
    session.connect(1);
    session.publish(1, 'a');
    session.want();
    session.applied();
    expect(session.transcript().slice(1)).toEqual([
      'd1 <- digest',
      'd1 <- operations +a@1',
      'd1 <- reconcile',
      'c1 <- stored a 1.1',
    ]);
  });

  it('accepts publications while nobody leads, and tells the next leader of them by digest', () => {
    const session = SessionHarness.ready();
    session.table(tableOf(2, null, 1));
    session.connect(1);
    session.publish(1, 'a');
    session.publish(1, 'b');
    session.pass(1_000);
    expect(session.transcript()).toEqual(['hang up d1', 'c1 <- accepted a', 'c1 <- accepted b']);
    session.unpublish(1, 'b');
    session.table(tableOf(3, 'd2', 2));
    session.dataUp('d2');
    session.want(['a']);
    session.reconciled();
    expect(session.transcript()).toEqual([
      'dial d2:1',
      'd2 <- digest a@1 -b@2',
      'c1 <- stored b 2.0',
      'd2 <- reconcile +a@1',
    ]);
  });

  it('accepts each publication at a deadline of its own', () => {
    const session = SessionHarness.ready();
    session.connect(1);
    for (let i = 0; i < 3; i++) {
      session.publish(1, `stored-${i}`);
      session.applied();
    }
    session.publish(1, 'a');
    session.pass(400);
    session.publish(1, 'b');
    session.transcript();
    session.pass(599);
    expect(session.transcript()).toEqual([]);
    session.pass(1);
    expect(session.transcript()).toEqual(['c1 <- accepted a']);
    session.pass(399);
    expect(session.transcript()).toEqual([]);
    session.pass(1);
    expect(session.transcript()).toEqual(['c1 <- accepted b']);
  });

  it('asks a new leader for a datum that it knows only after it has sent what that one lacks', () => {
    const session = SessionHarness.ready();
    session.connect(1);
    session.subscribe(1);
    session.publish(1, 'a');
    session.datum(1, []);
    session.table(tableOf(2, 'd2', 2));
    session.dataUp('d2');
    session.transcript();
    session.want(['a']);
    session.reconciled();
    expect(session.transcript()).toEqual(['d2 <- reconcile +a@1', 'd2 <- interest d', 'c1 <- stored a 2.0']);
  });

  it('answers who still waits once the digest proves what the leader has', () => {
    const session = SessionHarness.ready();
    session.connect(1);
    session.publish(1, 'had');
    session.publish(1, 'lacks');
    session.table(tableOf(2, 'd2', 2));
    session.dataUp('d2');
    session.transcript();
    session.want(['lacks']);
    expect(session.transcript()).toEqual(['c1 <- stored had 2.0', 'd2 <- reconcile +lacks@1']);
    session.reconciled();
    expect(session.transcript()).toEqual(['c1 <- stored lacks 2.0']);
  });

  it('tells a waiting client, or else the connection, that the new leader holds a newer stamp', () => {
    const session = SessionHarness.ready();
    session.connect(1, 2);
    session.publish(1, 'answered');
    session.applied();
    session.publish(2, 'waiting');
    session.dataDown();
    session.pass(100);
    session.dataUp('d1');
    session.transcript();
    session.want(
      [],
      [
        { registerId: 'answered', held: stampOf(6) },
        { registerId: 'waiting', held: stampOf(7) },
      ],
    );
    expect(session.transcript()).toEqual([
      'c1 <- stale answered below 6',
      'c2 <- STALE_REGISTRATION waiting below 7',
      'd1 <- reconcile',
    ]);
    expect(session.core.counts.publishers).toBe(0);
  });

  it('lets the later word of a client stand against what a digest found stale', () => {
    const session = SessionHarness.ready();
    session.connect(1);
    session.publish(1, 'a', 1);
    session.applied();
    session.dataDown();
    session.pass(100);
    session.dataUp('d1');
    session.publish(1, 'a', 9);
    session.transcript();
    session.want([], [{ registerId: 'a', held: stampOf(5) }]);
    session.applied();
    expect(session.transcript()).toEqual(['d1 <- reconcile', 'c1 <- stored a 1.1']);
  });

  it('raises the stamps it made itself when a digest finds them stale', () => {
    const session = SessionHarness.ready();
    session.connect(1);
    session.publish(1, 'a', null);
    session.applied();
    session.table(tableOf(2, 'd2', 2));
    session.dataUp('d2');
    session.transcript();
    session.want([], [{ registerId: 'a', held: stampOf(5) }]);
    session.applied();
    expect(session.transcript()).toEqual(['d2 <- operations +a@6', 'd2 <- reconcile']);
    expect(session.core.counts.publishers).toBe(1);
  });

  it('takes no acknowledgement of a leaderEpoch below the highest it knows', () => {
    const session = SessionHarness.ready();
    session.connect(1);
    session.publish(1, 'a');
    const { sequence } = session.lastSent('operations');
    // The same server leads again, at a higher leaderEpoch, over the same link.
    session.table(tableOf(2, 'd1', 2));
    session.transcript();
    const result = { status: 'stored' as const, stamp: stampOf(1), version: { leaderEpoch: 1, sequence: 1 } };
    session.fromData({ kind: 'applied', slot: 0, leaderEpoch: 1, sequence, results: [result] });
    expect(session.transcript()).toEqual([]);
    session.want(['a']);
    session.reconciled();
    expect(session.transcript()).toEqual(['d1 <- reconcile +a@1', 'c1 <- stored a 2.0']);
  });

  it('reads nothing about a slot from who does not lead it, or from an older digest', () => {
    const session = SessionHarness.ready();
    session.connect(1);
    session.publish(1, 'a');
    const old = session.data;
    session.table(tableOf(2, 'd2', 2));
    session.dataUp('d2');
    session.transcript();
    session.fromData({ kind: 'want', slot: 0, leaderEpoch: 2, number: 99, registerIds: [], stale: [] });
    session.fromData({ kind: 'want', slot: 0, leaderEpoch: 2, number: 2, registerIds: [], stale: [] }, old);
    session.fromData({ kind: 'want', slot: 7, leaderEpoch: 2, number: 2, registerIds: [], stale: [] });
    expect(session.transcript()).toEqual([]);
  });

  it('gives its table to a data server that asks for it', () => {
    const session = SessionHarness.ready();
    session.fromData({ kind: 'tableRequest' });
    expect(session.transcript()).toEqual(['d1 <- table']);
  });

  it('asks for the table when the peer has a newer one', () => {
    const session = SessionHarness.ready();
    session.moved(5);
    expect(session.transcript()).toEqual(['d1 <- tableRequest']);
    session.fromData({ kind: 'table', table: tableOf(5, 'd2', 2) });
    session.dataUp('d2');
    expect(session.transcript()).toEqual(['hang up d1', 'dial d2:1', 'd2 <- digest']);
  });

  it('tries again after growing pauses when it is the peer that is behind', () => {
    const session = SessionHarness.ready();
    const pauses: number[] = [];
    for (let i = 0; i < 9; i++) {
      session.moved();
      session.transcript();
      const fromMs = session.nowMs;
      while (!session.transcript().includes('d1 <- digest')) session.pass(1);
      pauses.push(session.nowMs - fromMs);
    }
    expect(pauses[0]).toBeLessThanOrEqual(50);
    expect(pauses[8]).toBeGreaterThanOrEqual(1_000);
    expect(pauses[8]).toBeLessThanOrEqual(2_000);
  });

  it('is compared again in the background, so that what went wrong unseen is repaired', () => {
    const session = SessionHarness.ready({ limits: { compareMs: 5_000 } });
    session.connect(1, 2);
    session.publish(1, 'mine', 3);
    session.applied();
    session.publish(2, 'stampless', null);
    session.applied();
    session.transcript();
    session.pass(1_000);
    session.compared(true);
    session.pass(1_000);
    expect(session.transcript()).toEqual(['d1 <- summary', 'd1 <- summary']);
    session.compared(false);
    // What is said of a comparison that is over is void.
    session.compared(false);
    session.want(['mine'], [{ registerId: 'stampless', held: stampOf(8) }]);
    session.applied();
    session.reconciled();
    expect(session.transcript()).toEqual([
      'd1 <- digest mine@3 stampless@1',
      'd1 <- operations +stampless@9',
      'd1 <- reconcile +mine@3',
    ]);
  });

  it('cuts what a leader wants into messages that fit in frames, the last of them reconciling', () => {
    const session = SessionHarness.ready();
    session.connect(1);
    const operations = Array.from({ length: 100 }, (_, i) => ({
      ...(publishOf(`p${i}`) as Extract<ReturnType<typeof publishOf>, { op: 'publish' }>),
      body: new Uint8Array(100_000),
    }));
    session.request(1, { kind: 'apply', operations });
    session.table(tableOf(2, 'd2', 2));
    session.dataUp('d2');
    const before = session.effects.length;
    session.want(operations.map((operation) => operation.registerId));
    const messages = session.effects
      .slice(before)
      .flatMap((effect) => (effect.type === 'send' && 'operations' in effect.message ? [effect.message] : []));
    expect(messages.map((message) => message.kind)).toEqual(['operations', 'operations', 'reconcile']);
    expect(messages.flatMap((message) => message.operations)).toHaveLength(100);
    for (const message of messages) expect(message.operations.length * 100_000).toBeLessThanOrEqual(4 * 1024 * 1024);
  });
});

describe('links to data servers', () => {
  it('dials again with growing pauses for as long as the table names the server', () => {
    const session = new SessionHarness({ limits: { leaderSilenceMs: 1e9 } }).joined();
    session.table(tableOf(1));
    for (let i = 0; i < 8; i++) {
      session.do({ type: 'dialFailed', address: 'd1:1', reason: 'refused', message: '' });
      session.pass(2_000);
    }
    expect(session.transcript()).toEqual(Array.from({ length: 9 }, () => 'dial d1:1'));
    session.table(tableOf(2, null, 1));
    session.do({ type: 'dialFailed', address: 'd1:1', reason: 'refused', message: '' });
    session.pass(5_000);
    expect(session.transcript()).toEqual([]);
  });

  it('keeps one link per incarnation, the newest', () => {
    const session = SessionHarness.ready();
    const old = session.data;
    session.do({ type: 'linkDown', link: 999 });
    session.dataUp('d1');
    expect(session.transcript()).toEqual(['hang up d1', 'd1 <- digest']);
    session.dataDown(old);
    session.connect(1);
    session.publish(1, 'a');
    session.applied();
    expect(session.transcript()).toEqual(['d1 <- operations +a@1', 'c1 <- stored a 1.1']);
  });

  it('learns from a restarted server, while it misses meta, that the table names the new incarnation', () => {
    const session = SessionHarness.ready();
    session.dataDown();
    session.pass(100);
    session.dataUp('d9', 'd1:1');
    session.pass(1_000);
    expect(session.transcript()).toEqual(['dial d1:1', 'd9 <- tableRequest', 'd9 <- tableRequest']);
    const table = tableOf(2, 'd9', 2);
    const members = table.members.map((member) => (member.role === 'data' ? { ...member, address: 'd1:1' } : member));
    session.fromData({ kind: 'table', table: { ...table, members } });
    session.pass(1_000);
    expect(session.transcript()).toEqual(['d9 <- digest']);
  });

  it('goes on with the restarted server that stands in for the leader of the table, until a table says who leads', () => {
    const session = SessionHarness.ready();
    session.dataDown();
    session.pass(100);
    session.dataUp('d1b', 'd1:1');
    session.transcript();
    session.fromData({ kind: 'standIn', incarnation: 'd1' });
    session.want();
    session.reconciled();
    session.connect(1);
    session.publish(1, 'a');
    session.applied();
    expect(session.transcript()).toEqual([
      'd1b <- digest',
      'd1b <- reconcile',
      'd1b <- operations +a@1',
      'c1 <- stored a 1.1',
    ]);
    const table = tableOf(2, 'd1b', 2);
    const members = table.members.map((member) => (member.role === 'data' ? { ...member, address: 'd1:1' } : member));
    session.table({ ...table, members });
    expect(session.transcript()).toEqual(['d1b <- digest a@1']);
  });

  it('believes nobody who claims to stand in for a server of another address', () => {
    const session = SessionHarness.ready();
    const table = tableOf(2);
    const other = { ...table.members[1]!, incarnation: 'd2', address: 'd2:1' };
    session.table({ ...table, members: [...table.members, other] });
    session.dataUp('d9', 'd2:1');
    session.transcript();
    session.fromData({ kind: 'standIn', incarnation: 'd1' });
    expect(session.transcript()).toEqual([]);
  });

  it('hangs up on who is no data server, or of another cluster', () => {
    const session = new SessionHarness().joined();
    session.table(tableOf(1));
    const hello = { protocol: 1, role: 'session' as const, incarnation: 'x', clusterId: 'cluster' };
    session.do({ type: 'linkUp', link: 70, direction: 'out', address: 'd1:1', hello });
    session.do({ type: 'linkDown', link: 70 });
    session.pass(100);
    const other = { ...hello, role: 'data' as const, clusterId: 'other' };
    session.do({ type: 'linkUp', link: 71, direction: 'out', address: 'd1:1', hello: other });
    session.do({ type: 'linkUp', link: 72, direction: 'in', address: 'q:9', hello });
    expect(session.transcript()).toEqual(['dial d1:1', 'hang up 70', 'dial d1:1', 'hang up 71', 'hang up 72']);
  });

  it('hangs up a link from which nothing comes, not even the answer to a ping', () => {
    const session = SessionHarness.ready({ limits: { leaderSilenceMs: 1e9 } });
    session.pass(30_000);
    expect(session.transcript()).toEqual([]);
    session.isSilent = true;
    session.pass(12_000);
    expect(session.transcript()).toEqual(['hang up d1']);
  });

  it('does not blame a peer for its own standing still', () => {
    const session = SessionHarness.ready();
    session.stall(60_000);
    expect(session.transcript()).toEqual([]);
  });

  it('does not blame a peer for what it has not read yet', () => {
    const session = SessionHarness.ready();
    const readUntilMs = session.nowMs;
    session.isSilent = true;
    for (let i = 0; i < 30; i++) {
      session.nowMs += 1_000;
      session.core.step(session.nowMs, { type: 'wake' }, readUntilMs);
    }
    expect(session.transcript()).toEqual([]);
  });

  it('hangs up on a message that cannot be read, and goes on', () => {
    const session = SessionHarness.ready();
    session.connect(1);
    session.publish(1, 'a');
    session.transcript();
    session.fromData({ kind: 'applied', slot: 0, leaderEpoch: 1, sequence: 1 } as never);
    expect(session.transcript()).toEqual([expect.stringContaining('log malformed-message'), 'hang up d1']);
  });
});
