import { setImmediate } from 'node:timers/promises';
import type { Publication } from '#model';
import type { PushFrame } from '#registry';
import { type PacedConnection, PushPacer } from './push-pacer.js';

const frame = (sequence: number): PushFrame => ({
  type: 'snapshot',
  dataInfoId: 'd',
  clusterId: 'c',
  version: { leaderEpoch: 1, sequence },
  publications: [],
});

class FakeConnection implements PacedConnection {
  backedUp = false;
  private drained: (() => void)[] = [];

  onDrain(listener: () => void): () => void {
    this.drained.push(listener);
    return () => {};
  }

  drain(): void {
    this.backedUp = false;
    for (const listener of this.drained.splice(0)) listener();
  }
}

describe('pacing pushes by their reader', () => {
  let connection: FakeConnection;
  let sent: string[];
  let pacer: PushPacer;

  beforeEach(() => {
    connection = new FakeConnection();
    sent = [];
    pacer = new PushPacer(connection, (subscriptionId, pushed) => {
      sent.push(`${subscriptionId}${pushed.type === 'snapshot' ? pushed.version.sequence : ''}`);
    });
  });

  it('sends at once to a reader that keeps up', () => {
    pacer.push('a', frame(1));
    pacer.push('a', frame(2));
    expect(sent).toEqual(['a1', 'a2']);
  });

  it('keeps only the newest state of each subscription for one that does not', async () => {
    connection.backedUp = true;
    for (let sequence = 1; sequence <= 1_000; sequence++) pacer.push('a', frame(sequence));
    pacer.push('b', frame(7));
    await setImmediate();
    expect(sent).toEqual([]);
    connection.drain();
    expect(sent).toEqual(['a1000', 'b7']);
    pacer.push('a', frame(1001));
    expect(sent.at(-1)).toBe('a1001');
  });

  it('tells with the newest state what was to be told once', async () => {
    const told: string[][] = [];
    const paced = new PushPacer(connection, (_, pushed) => {
      if (pushed.type === 'snapshot') told.push((pushed.temporary ?? []).map(({ registerId }) => registerId));
    });
    const telling = (sequence: number, registerId: string): PushFrame => ({
      ...(frame(sequence) as PushFrame & { type: 'snapshot' }),
      temporary: [{ registerId } as Publication],
    });
    connection.backedUp = true;
    paced.push('a', telling(1, 't1'));
    paced.push('a', frame(2));
    paced.push('a', telling(2, 't2'));
    for (let i = 0; i < 20; i++) paced.push('b', telling(1, `u${i}`));
    await setImmediate();
    connection.drain();
    expect(told).toEqual([['t1', 't2'], Array.from({ length: 16 }, (_, i) => `u${i + 4}`)]);
  });

  it('stops again when the reader falls behind in the middle, and forgets who has left', async () => {
    connection.backedUp = true;
    pacer.push('a', frame(1));
    pacer.push('b', frame(2));
    pacer.push('c', frame(3));
    await setImmediate();
    pacer.drop('b');
    const slow = new PushPacer(connection, (subscriptionId) => {
      sent.push(subscriptionId);
      connection.backedUp = true;
    });
    slow.push('x', frame(1));
    slow.push('y', frame(1));
    await setImmediate();
    connection.drain();
    expect(sent).toEqual(['a1', 'c3', 'x']);
    await setImmediate();
    connection.drain();
    expect(sent.at(-1)).toBe('y');
  });

  it('goes on when the socket took everything before it could report a drain', async () => {
    connection.backedUp = true;
    pacer.push('a', frame(1));
    connection.backedUp = false;
    await setImmediate();
    expect(sent).toEqual(['a1']);
  });
});
