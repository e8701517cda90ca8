import { Progress } from './progress.js';

describe('what a leader knows of a peer', () => {
  const progress = (maxInFlight = 2): Progress => new Progress(11, 0, maxInFlight);

  const replicating = (): Progress => {
    const peer = progress();
    peer.sent(11);
    peer.matches(11, 0);
    return peer;
  };

  it('begins with one probe, and waits for its answer', () => {
    const peer = progress();
    expect([peer.state, peer.next, peer.paused]).toEqual(['probe', 11, false]);
    peer.sent(15);
    expect([peer.next, peer.paused]).toEqual([11, true]);
  });

  it('becomes a pipeline once a probe has matched', () => {
    const peer = replicating();
    expect([peer.state, peer.matched, peer.next, peer.paused]).toEqual(['replicate', 11, 12, false]);
    peer.sent(13);
    expect([peer.next, peer.paused]).toEqual([14, false]);
    peer.sent(14);
    expect([peer.next, peer.paused]).toEqual([15, true]);
  });

  it('has room again as soon as the oldest append is answered, by whichever answer', () => {
    const peer = replicating();
    peer.sent(13);
    peer.sent(14);
    peer.matches(12, 0);
    expect(peer.paused).toBe(true);
    peer.matches(13, 0);
    expect([peer.paused, peer.idle]).toEqual([false, false]);
    peer.matches(14, 0);
    expect(peer.idle).toBe(true);
  });

  it('goes back when a probe does not match, and on from what does', () => {
    const peer = progress();
    peer.sent(11);
    peer.parts(7, 6);
    expect([peer.next, peer.paused]).toEqual([6, false]);
    peer.sent(9);
    peer.matches(9, 0);
    expect([peer.state, peer.next]).toEqual(['replicate', 10]);
  });

  it('is not misled by an answer that comes late', () => {
    const probing = progress();
    probing.parts(7, 6);
    probing.sent(8);
    for (const next of [9, 6]) {
      probing.parts(9, next);
      expect([probing.next, probing.paused]).toEqual([6, true]);
    }
    const peer = replicating();
    peer.parts(5, 6);
    expect([peer.state, peer.next]).toEqual(['replicate', 12]);
    peer.matches(4, 0);
    expect([peer.state, peer.matched, peer.next]).toEqual(['replicate', 11, 12]);
  });

  it('never goes back before what is on the disk of the peer', () => {
    const peer = replicating();
    peer.sent(20);
    peer.parts(11, 3);
    expect([peer.state, peer.next]).toEqual(['probe', 12]);
  });

  it('probes again when messages are being lost', () => {
    const peer = replicating();
    peer.sent(20);
    peer.lost();
    expect([peer.state, peer.next, peer.paused]).toEqual(['probe', 12, false]);
  });

  it('gets no entries while a snapshot is on its way, until it has what the log begins after', () => {
    const peer = replicating();
    peer.sendSnapshot({ index: 40, term: 2, configuration: { voters: [], learners: [] } }, 5);
    expect(peer.paused).toBe(true);
    peer.parts(30, 31);
    peer.lost();
    peer.matches(12, 40);
    expect(peer.state).toBe('snapshot');
    peer.matches(40, 40);
    expect([peer.state, peer.next, peer.snapshot]).toEqual(['replicate', 41, undefined]);
  });
});
