import { DEFAULT_SWITCHES, type Switches } from '#model';
import { SessionHarness, publicationOf, publishOf, stampOf, tableOf } from './core.harness.js';

describe('clients that are switched off by their address', () => {
  let session: SessionHarness;
  let version = 0;

  beforeEach(() => {
    session = SessionHarness.ready();
    session.connect(1, 2);
  });

  const switched = (switches: Partial<Switches>): void =>
    session.fromMeta({ kind: 'switches', version: ++version, switches: { ...DEFAULT_SWITCHES, ...switches } });
  const off = (...clientsOff: string[]): void => switched({ clientsOff });
  const published = (connection: number, registerId: string, stamp: number | null = 1): void => {
    session.publish(connection, registerId, stamp);
    session.applied();
  };

  it('have what they published withdrawn, at the stamps it came with, and are told nothing', () => {
    published(1, 'a');
    published(2, 'b');
    session.transcript();
    off('c1');
    expect(session.transcript()).toEqual(['d1 <- operations -a@1(operator)']);
    expect(session.lastSent('operations').operations).toMatchObject([{ op: 'unpublish', cause: 'operator' }]);
    session.applied();
    expect(session.transcript()).toEqual([]);
    expect(session.core.counts).toMatchObject({ publishers: 2, withdrawn: 1 });
  });

  it('publish on and are answered as ever, while nobody is shown anything of it', () => {
    off('c1');
    published(1, 'a', 3);
    expect(session.transcript()).toEqual(['d1 <- operations -a@3(operator)', 'c1 <- stored a 1.1']);
    published(1, 'a', 4);
    expect(session.transcript()).toEqual(['d1 <- operations -a@4(operator)', 'c1 <- stored a 1.1']);
    session.unpublish(1, 'a', 5);
    session.applied();
    expect(session.transcript()).toEqual(['d1 <- operations -a@5(unpublish)', 'c1 <- stored a 1.1']);
    expect(session.core.counts).toMatchObject({ publishers: 0, withdrawn: 0 });
  });

  it('are asked to publish again when they are switched on, since no server makes a stamp for them', () => {
    published(1, 'a');
    off('c1');
    session.applied();
    session.transcript();
    off();
    expect(session.transcript()).toEqual(['c1 <- stale a below 1']);
    expect(session.core.counts.withdrawn).toBe(1);
    // It was switched off and on again before the client could answer.
    off('c1');
    off();
    expect(session.transcript()).toEqual(['c1 <- stale a below 1']);
    session.publish(1, 'a', 2);
    expect(session.transcript()).toEqual(['d1 <- operations +a@2']);
    expect(session.core.counts.withdrawn).toBe(0);
  });

  it('that keep no stamps are brought back at once', () => {
    published(1, 'a', null);
    off('c1');
    session.applied();
    session.transcript();
    off();
    expect(session.transcript()).toEqual(['d1 <- operations +a@2']);
    session.applied();
    off('c1');
    expect(session.transcript()).toEqual(['d1 <- operations -a@2(operator)']);
  });

  it('count as removed for every next leader, and in every comparison', () => {
    published(1, 'a');
    published(2, 'b');
    off('c1');
    session.applied();
    session.transcript();
    session.table(tableOf(2, 'd2', 2));
    session.dataUp('d2');
    expect(session.transcript().at(-1)).toBe('d2 <- digest b@1 -a@1');
    session.want(['a', 'b']);
    expect(session.transcript()).toEqual(['d2 <- reconcile -a@1(operator) +b@1']);
    expect(session.lastSent('digest').removals).toMatchObject([{ registerId: 'a', cause: 'operator' }]);
  });

  it('are switched off while their leader cannot be reached, too', () => {
    published(1, 'a');
    session.dataDown();
    off('c1');
    session.transcript();
    session.dataUp('d1');
    expect(session.transcript().at(-1)).toBe('d1 <- digest -a@1');
  });

  it('of a connection that is lost stay withdrawn to the end of the grace', () => {
    published(1, 'a');
    session.disconnect(1);
    session.transcript();
    off('c1');
    session.applied();
    off();
    expect(session.transcript()).toEqual(['d1 <- operations -a@1(operator)']);
    // Its client comes back over another connection.
    session.do({ type: 'clientConnected', connection: 3, address: 'c1' });
    published(3, 'a', 2);
    session.pass(10_000);
    expect(session.transcript().filter((line) => line.includes('operations'))).toEqual(['d1 <- operations +a@2']);
  });

  it('that have published elsewhere since hear of it, and lose nothing', () => {
    published(1, 'a');
    off('c1');
    session.applied([{ status: 'stale', held: stampOf(2, 9) }]);
    expect(session.transcript().at(-1)).toBe('c1 <- stale a below 2');
    expect(session.core.counts.publishers).toBe(0);
  });

  it('are known from the start to a server that was restarted', () => {
    const switches = { version: 1, switches: { ...DEFAULT_SWITCHES, clientsOff: ['c1'] } };
    session = SessionHarness.ready({ switches, table: tableOf(1) });
    session.connect(1);
    published(1, 'a');
    expect(session.transcript()).toEqual(['d1 <- operations -a@1(operator)', 'c1 <- stored a 1.1']);
  });

  it('are gone through a share at a time, and whoever publishes meanwhile is judged at once', () => {
    for (let i = 0; i < 12_000; i++) session.request(1 + (i % 2), { kind: 'apply', operations: [publishOf(`r${i}`)] });
    session.applied();
    session.transcript();
    off('c1', 'c2');
    expect(session.core.counts.withdrawn).toBeLessThan(12_000);
    published(2, 'late');
    session.pass(1_000);
    expect(session.core.counts.withdrawn).toBe(12_001);
  });

  it('see everything, and get their pushes', () => {
    session.subscribe(1);
    off('c1');
    session.datum(1, [publicationOf('x')]);
    expect(session.transcript().at(-1)).toBe('c1/s <- snapshot 1.1 x=1');
  });
});
