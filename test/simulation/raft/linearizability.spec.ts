import { type Operation, appendList, checkByKey, isLinearizable, register } from './linearizability.js';

let at = 0;

/** Written as `client: call -> result`, with [ where it begins and ] where it ends, in the order of a story. */
function history(...steps: string[]): Operation[] {
  const open = new Map<string, Operation>();
  const all: Operation[] = [];
  for (const step of steps) {
    const [client = '', what = '', argument = ''] = step.split(' ');
    const moment = ++at;
    if (what === 'append' || what === 'read') {
      const call = what === 'read' ? { type: 'read' as const } : { type: 'append' as const, value: argument };
      const operation: Operation = { client, key: 'k', call, invokedAt: moment, returnedAt: Infinity };
      open.set(client, operation);
      all.push(operation);
      continue;
    }
    const operation = open.get(client)!;
    operation.returnedAt = moment;
    if (what === 'length') operation.result = { length: Number(argument) };
    if (what === 'list') operation.result = { list: argument === '' ? [] : argument.split(',') };
  }
  return all;
}

const verdict = (...steps: string[]): boolean => checkByKey(history(...steps)).ok;

describe('the checker accepts', () => {
  it('nothing at all', () => expect(checkByKey([]).ok).toBe(true));

  it('one after the other', () => {
    expect(verdict('a append 1', 'a length 1', 'b read', 'b list 1', 'a append 2', 'a length 2')).toBe(true);
  });

  it('a read that sees an append under way, or does not', () => {
    expect(verdict('a append 1', 'b read', 'b list 1', 'a length 1')).toBe(true);
    expect(verdict('a append 1', 'b read', 'b list', 'a length 1')).toBe(true);
  });

  it('appends at the same time in either order', () => {
    expect(verdict('a append 1', 'b append 2', 'a length 2', 'b length 1', 'a read', 'a list 2,1')).toBe(true);
    expect(verdict('a append 1', 'b append 2', 'a length 1', 'b length 2', 'a read', 'a list 1,2')).toBe(true);
  });

  it('an append without an answer, done late, or never', () => {
    expect(verdict('a append 1', 'b read', 'b list', 'b read', 'b list 1')).toBe(true);
    expect(verdict('a append 1', 'b read', 'b list', 'b append 2', 'b length 1', 'b read', 'b list 2')).toBe(true);
  });

  it('a register written and read at the same time', () => {
    const calls = history('a append 1', 'a done', 'a append 2', 'b read', 'c read', 'b list 2', 'c list 1', 'a done');
    expect(isLinearizable(calls, register).ok).toBe(true);
  });
});

describe('the checker refuses', () => {
  it('a stale read', () => expect(verdict('a append 1', 'a length 1', 'b read', 'b list')).toBe(false));

  it('a read that goes back', () => {
    expect(verdict('a append 1', 'b read', 'b list 1', 'b read', 'b list')).toBe(false);
  });

  it('a lost append', () => {
    expect(verdict('a append 1', 'a length 1', 'a append 2', 'a length 2', 'b read', 'b list 2')).toBe(false);
  });

  it('an append done twice', () => {
    expect(verdict('a append 1', 'a length 1', 'b read', 'b list 1,1')).toBe(false);
  });

  it('two histories', () => {
    expect(verdict('a append 1', 'b append 2', 'c read', 'c list 1', 'c read', 'c list 2')).toBe(false);
  });

  it('an answer that fits no order', () => {
    expect(verdict('a append 1', 'a length 1', 'b append 2', 'b length 1')).toBe(false);
  });

  it('a value that nobody wrote', () => expect(verdict('a read', 'a list 9')).toBe(false));

  it('a register that goes back', () => {
    const calls = history('a append 1', 'a done', 'a append 2', 'b read', 'b list 2', 'c read', 'c list 1', 'a done');
    expect(isLinearizable(calls, register).ok).toBe(false);
  });

  it('to search forever', () => {
    const appends = Array.from({ length: 24 }, (_, i) => `c${i} append ${i}`);
    const calls = history(...appends, 'r read', 'r list nobody', ...appends.map((_, i) => `c${i} length 99`));
    const found = isLinearizable(calls, register, 1_000);
    expect(found).toEqual({ ok: false, reason: 'no answer within 1000 steps' });
    expect(isLinearizable(calls, appendList(calls)).ok).toBe(false);
  });
});
