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

  function dialFailed(reason: 'refused' | 'unreachable' | 'rejected', address = 'd1:1'): void {
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
});
