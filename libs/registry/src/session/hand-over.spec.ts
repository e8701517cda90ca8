import { leasedRegisterId } from '#model';
import { DATUM, SessionHarness, publicationOf, tableOf } from './core.harness.js';

const A = leasedRegisterId(DATUM, 'a');

function post(session: SessionHarness): void {
  const publication = publicationOf(A, 1, { owner: { kind: 'leased', leaseMs: 15_000 } });
  session.request(0, { kind: 'leasedPublish', publication: { ...publication, registerTimestamp: 0 }, replay: false });
}

const renew = (session: SessionHarness) => session.request(0, { kind: 'renew', registerId: A, dataInfoId: DATUM });

/** The slot goes from `d1` to `d2`, both of which stay members and are linked. */
class HandOver {
  readonly session = SessionHarness.ready();
  readonly former = this.session.data;

  constructor() {
    this.table(1, 'd1', 1);
    this.session.dataUp('d2');
    this.session.transcript();
  }

  /** Meta's word. */
  table(epoch: number, leader = 'd2', leaderEpoch = 2): void {
    const table = tableOf(epoch + 1, leader, leaderEpoch);
    const other = tableOf(1, leader === 'd1' ? 'd2' : 'd1').members.slice(1);
    this.session.table({ ...table, members: [...table.members, ...other] });
  }

  /** The former leader's word: of whoever may have sent it something, it has taken nothing since. */
  moved(leaderEpoch = 2): void {
    this.session.fromData({ kind: 'moved', slot: 0, leaderEpoch, tableEpoch: 3 }, this.former);
  }

  get said(): string[] {
    return this.session.transcript().filter((line) => !/^dial|hang up|tableRequest/.test(line));
  }
}

describe('what comes over HTTP while a slot is handed over', () => {
  it('is given to the next leader once that leads, when the former says first that it has moved', () => {
    const handOver = new HandOver();
    const { session } = handOver;
    post(session);
    handOver.moved();
    expect(handOver.said).toEqual(['d1 <- operations +a@leader']);
    handOver.table(2);
    post(session);
    expect(handOver.said).toEqual(['d2 <- digest']);
    session.want();
    expect(handOver.said).toEqual(['d2 <- reconcile', 'd2 <- operations +a@leader +a@leader']);
    session.applied();
    expect(handOver.said).toEqual(['c0 <- leased a 2.1', 'c0 <- leased a 2.2']);
  });

  it('is given to the next leader when the table comes first', () => {
    const handOver = new HandOver();
    const { session } = handOver;
    post(session);
    handOver.table(2);
    session.want();
    expect(handOver.said).toEqual(['d1 <- operations +a@leader', 'd2 <- digest', 'd2 <- reconcile']);
    handOver.moved();
    expect(handOver.said).toEqual(['d2 <- operations +a@leader']);
    session.applied();
    expect(handOver.said).toEqual(['c0 <- leased a 2.1']);
  });

  it('is not given to a leader that does not know of it yet, until it does', () => {
    const handOver = new HandOver();
    const { session } = handOver;
    handOver.table(2);
    post(session);
    expect(handOver.said).toEqual(['d2 <- digest']);
    session.fromData({ kind: 'moved', slot: 0, leaderEpoch: 2, tableEpoch: 2 });
    session.pass(100);
    session.want();
    expect(handOver.said).toEqual(['d2 <- digest', 'd2 <- reconcile', 'd2 <- operations +a@leader']);
  });

  it('fails, retryably, where the former leader may have taken it', () => {
    const handOver = new HandOver();
    const { session } = handOver;
    post(session);
    // By the word of the leaderEpoch that it was sent at, it may be taken yet.
    handOver.moved(1);
    expect(handOver.said).toEqual(['d1 <- operations +a@leader', 'c0 <- NO_LEADER']);
    const lost = new HandOver();
    post(lost.session);
    lost.table(2);
    lost.session.want();
    lost.session.dataDown(lost.former);
    expect(lost.said.at(-1)).toBe('c0 <- NO_LEADER');
  });

  it('waits for no longer than for an answer, and is not sent afterwards', () => {
    const handOver = new HandOver();
    const { session } = handOver;
    post(session);
    renew(session);
    handOver.moved();
    session.pass(1_000);
    expect(handOver.said.slice(-2)).toEqual(['c0 <- NO_LEADER', 'c0 <- NO_LEADER']);
    handOver.table(2);
    session.want();
    expect(handOver.said).toEqual(['d2 <- digest', 'd2 <- reconcile']);
  });

  it('waits for nobody where there is no next leader', () => {
    const { session } = new HandOver();
    post(session);
    renew(session);
    session.table(tableOf(3, null, 2));
    post(session);
    const failures = session.transcript().filter((line) => line.startsWith('c0'));
    expect(failures).toEqual(['c0 <- NO_LEADER', 'c0 <- NO_LEADER', 'c0 <- NO_LEADER']);
  });

  it('asks for a renewal again, whatever has become of it', () => {
    const handOver = new HandOver();
    const { session } = handOver;
    renew(session);
    handOver.table(2);
    session.want();
    const { requestId, leaderEpoch } = session.lastSent('renew');
    expect(leaderEpoch).toBe(2);
    session.fromData({ kind: 'renewed', slot: 0, requestId, result: { status: 'renewed', expiresInMs: 15_000 } });
    expect(handOver.said.at(-1)).toBe('c0 <- renewed 15000');
  });
});
