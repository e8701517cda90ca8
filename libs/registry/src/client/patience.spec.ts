import { ClientHarness } from './core.harness.js';
import { Patience } from './patience.js';

describe('how long an answer is waited for', () => {
  it('is one deadline, then two, then three, and no more', () => {
    const patience = new Patience(5_000);
    const waits = Array.from({ length: 5 }, () => {
      const { ms } = patience;
      patience.failed();
      return ms;
    });
    expect(waits).toEqual([5_000, 10_000, 15_000, 15_000, 15_000]);
  });

  it('is one deadline again when an answer has come in half the time, however long that is by then', () => {
    const patience = new Patience(5_000);
    patience.failed();
    patience.answered(4_900);
    expect(patience.ms).toBe(10_000);
    patience.answered(5_100);
    expect(patience.ms).toBe(5_000);
  });

  it('goes for the welcome too, so that a server which is late has answered before its clients come again', () => {
    const client = new ClientHarness();
    client.do({ type: 'start' });
    const waits: number[] = [];
    for (let i = 0; i < 4; i++) {
      client.do({ type: 'connected', connection: client.connection });
      const fromMs = client.nowMs;
      const { connection } = client;
      while (!client.transcript().includes(`hangUp ${connection}`)) client.pass(100);
      waits.push(client.nowMs - fromMs);
      while (client.connection === connection) client.pass(10);
    }
    expect(waits).toEqual([5_000, 10_000, 15_000, 15_000]);
  });

  it('is no longer because nobody could be connected to', () => {
    const client = new ClientHarness();
    client.do({ type: 'start' });
    // Three dials that nothing comes of.
    while (client.connection < 4) client.pass(100);
    client.do({ type: 'connected', connection: client.connection });
    client.transcript();
    client.pass(5_000);
    expect(client.transcript()).toContain(`hangUp 4`);
  });
});
