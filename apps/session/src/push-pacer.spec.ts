import { setImmediate } from 'node:timers/promises';
import type { PushFrame } from '#registry';
import { type PacedConnection, PushPacer } from './push-pacer.js';

const frame = (sequence: number): PushFrame => ({
  type: 'snapshot',
  dataInfoId: 'd',
  clusterId: 'c',
  version: { leaderEpoch: 1, sequence },
  publications: [],
  hash: '',
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
  /** What was sent, and what the core was told, in order. */
  let done: string[];
  let pacer: PushPacer;

  beforeEach(() => {
    connection = new FakeConnection();
    done = [];
    pacer = new PushPacer(
      connection,
      (subscriptionId, pushed) => {
        done.push(`${subscriptionId}${pushed.type === 'snapshot' ? pushed.version.sequence : ''}`);
      },
      (isBackedUp) => done.push(isBackedUp ? 'backed up' : 'drained'),
    );
  });

  it('sends at once to a reader that keeps up', () => {
    pacer.push('a', frame(1));
    pacer.push('a', frame(2));
    expect(done).toEqual(['a1', 'a2']);
  });

  it('tells of one that does not, once, and sends what it had been given, in order and without a gap', async () => {
    connection.backedUp = true;
    pacer.push('a', frame(1));
    pacer.push('a', frame(2));
    pacer.push('b', frame(7));
    await setImmediate();
    expect(done).toEqual(['backed up']);
    connection.drain();
    expect(done.splice(0)).toEqual(['backed up', 'a1', 'a2', 'b7', 'drained']);
    pacer.push('a', frame(3));
    expect(done).toEqual(['a3']);
  });

  it('stops again when the reader falls behind in the middle, and forgets who has left', async () => {
    connection.backedUp = true;
    pacer.push('a', frame(1));
    pacer.push('b', frame(2));
    pacer.push('c', frame(3));
    await setImmediate();
    pacer.drop('b');
    const slow = new PushPacer(
      connection,
      (subscriptionId) => {
        done.push(subscriptionId);
        connection.backedUp = true;
      },
      (isBackedUp) => done.push(isBackedUp ? 'slow' : 'not slow'),
    );
    slow.push('x', frame(1));
    slow.push('y', frame(1));
    await setImmediate();
    connection.drain();
    expect(done).toEqual(['backed up', 'slow', 'a1', 'c3', 'drained', 'x']);
    await setImmediate();
    connection.drain();
    expect(done.slice(-2)).toEqual(['y', 'not slow']);
  });

  it('goes on when the socket took everything before it could report a drain', async () => {
    connection.backedUp = true;
    pacer.push('a', frame(1));
    connection.backedUp = false;
    await setImmediate();
    expect(done).toEqual(['backed up', 'a1', 'drained']);
  });
});
