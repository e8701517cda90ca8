import { type Code, RegistryError } from '#model';
import { Attempts } from './attempts.js';

const error = (code: Code) => new RegistryError(code);

describe('attempts at what only the leader does', () => {
  it('go on while the leader may change, and no longer than they may', () => {
    for (const code of ['NO_LEADER', 'NOT_LEADER', 'CONNECTION_CLOSED', 'DEADLINE_EXCEEDED', 'STORE_FAILED'] as const) {
      const attempts = new Attempts('read', 1_000);
      expect(attempts.failed(999, error(code))).toBeUndefined();
      expect(attempts.failed(1_000, error(code))).toMatchObject({ code });
    }
  });

  it('end at once with an answer', () => {
    for (const code of ['BAD_REQUEST', 'VERSION_CONFLICT', 'NOT_FOUND', 'CONFIG_TOO_LARGE', 'NOT_READY'] as const)
      expect(new Attempts('change', 1_000).failed(0, error(code))).toMatchObject({ code });
  });

  it('say of a change that it may have been made as soon as any of them may have made it', () => {
    const lost = new Attempts('change', 1_000);
    expect(lost.failed(0, error('CONNECTION_CLOSED'))).toBeUndefined();
    expect(lost.failed(1_000, error('NO_LEADER'))).toMatchObject({ code: 'OUTCOME_UNKNOWN' });
    const asked = new Attempts('change', 1_000);
    expect(asked.failed(0, error('NO_LEADER'))).toBeUndefined();
    expect(asked.failed(500, error('OVERLOADED'))).toBeUndefined();
    expect(asked.failed(1_000, error('NO_LEADER'))).toMatchObject({ code: 'NO_LEADER' });
  });

  it('say of a read what it failed for, since nothing hangs on it', () => {
    expect(new Attempts('read', 0).failed(0, error('NOT_LEADER'))).toMatchObject({ code: 'NOT_LEADER' });
  });
});
