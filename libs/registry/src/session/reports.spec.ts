import type { DialFailure, RoutingTable, ToMeta } from '#model';
import { SessionHarness, tableOf } from './core.harness.js';

describe('what a session server tells meta of data servers', () => {
  let session: SessionHarness;

  beforeEach(() => {
    session = SessionHarness.ready();
  });

  /** Members reported as suspect since the last call. */
  function suspects(): string[] {
    const told = session.effects.flatMap((effect) =>
      effect.type === 'send' && effect.message.kind === 'suspect' ? [effect.message.incarnation] : [],
    );
    session.effects.length = 0;
    return told;
  }

  function dialFailed(reason: DialFailure, address = 'd1:1'): void {
    session.do({ type: 'dialFailed', address, reason, message: '' });
  }

  it('is a broken link and every refusal, at once', () => {
    session.dataDown();
    expect(suspects()).toEqual(['d1']);
    session.pass(300);
    dialFailed('refused');
    expect(suspects()).toEqual(['d1']);
  });

  it('is said again after a pause only', () => {
    session.dataDown();
    dialFailed('refused');
    expect(suspects()).toEqual(['d1']);
    session.pass(300);
    dialFailed('refused');
    expect(suspects()).toEqual(['d1']);
  });

  it('is nothing of a dial that led to no answer, or to a no', () => {
    session.dataDown();
    suspects();
    session.pass(300);
    dialFailed('unreachable');
    dialFailed('rejected');
    dialFailed('refused', 'elsewhere:1');
    expect(suspects()).toEqual([]);
  });

  it('is nothing of a link that was given up here', () => {
    const link = session.data;
    session.table(tableOf(2, 'd2', 2));
    session.dataDown(link);
    expect(suspects()).toEqual([]);
    session.dataUp('d2');
    session.pass(11_000);
    session.dataDown();
    expect(suspects()).toEqual([]);
  });

  describe('with its heartbeats', () => {
    const table = (epoch: number, ...data: string[]): RoutingTable => ({
      ...tableOf(epoch, data[0]),
      members: data.map((incarnation) => ({
        ...{ role: 'data', incarnation, address: `${incarnation}:1`, httpAddress: '', zone: 'z', weight: 1 },
      })),
    });

    beforeEach(() => {
      session = new SessionHarness({ limits: { leaderSilenceMs: Infinity } }).joined(500);
      session.table(table(1, 'd1', 'd2'));
    });

    /** Whom the next heartbeat names. */
    function unreachable(): string[] {
      session.effects.length = 0;
      session.pass(500);
      const { message } = session.effects.find(
        (effect) => effect.type === 'send' && effect.message.kind === 'heartbeat',
      ) as { message: Extract<ToMeta, { kind: 'heartbeat' }> };
      const { sequence, tableEpoch } = message;
      session.fromMeta({ kind: 'heartbeatAck', sequence, tableEpoch, settled: true });
      return message.unreachable ?? [];
    }

    it('is who has been silent for two seconds, with a link or without', () => {
      session.dataUp('d1');
      session.dataUp('d2');
      for (let i = 0; i < 10; i++) expect(unreachable()).toEqual([]);
      session.isSilent = true;
      const said = Array.from({ length: 8 }, unreachable);
      expect(said[1]).toEqual([]);
      expect(said[7]).toEqual(['d1', 'd2']);
      session.isSilent = false;
      session.pass(1_000);
      expect(unreachable()).toEqual([]);
    });

    it('is who never answered, from two seconds after it was first named', () => {
      session.dataUp('d1');
      for (let i = 0; i < 3; i++) expect(unreachable()).toEqual([]);
      session.table(table(2, 'd1', 'd2', 'd3'));
      expect(unreachable()).toEqual(['d2']);
      for (let i = 0; i < 2; i++) expect(unreachable()).toEqual(['d2']);
      expect(unreachable()).toEqual(['d2', 'd3']);
      session.table(table(3, 'd1', 'd3'));
      expect(unreachable()).toEqual(['d3']);
      session.dataUp('d3');
      expect(unreachable()).toEqual([]);
    });

    it('is nobody whose silence was a pause of this server itself', () => {
      session.dataUp('d1');
      session.dataUp('d2');
      session.pass(500);
      session.effects.length = 0;
      session.stall(2_600);
      const heartbeats = session.effects.flatMap((effect) =>
        effect.type === 'send' && effect.message.kind === 'heartbeat' ? [effect.message] : [],
      );
      expect(heartbeats).toHaveLength(1);
      expect(heartbeats[0]).not.toHaveProperty('unreachable');
    });
  });
});
