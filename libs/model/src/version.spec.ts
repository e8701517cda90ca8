import * as fc from 'fast-check';
import { formatVersion, parseVersion } from './version.js';

const numbers = fc.oneof(fc.nat(), fc.maxSafeNat());

describe('a version', () => {
  it('is read from its text as what was written', () => {
    const version = fc.record({ leaderEpoch: numbers, sequence: numbers });
    fc.assert(fc.property(version, (each) => expect(parseVersion(formatVersion(each))).toEqual(each)));
  });

  it('is read from nothing but two numbers of digits', () => {
    const pieces = fc.array(fc.constantFrom('7', '0', '42', '.', '-', '+', ' ', 'e', 'x', '٣', '9007199254740991'));
    const isVersion = (text: string): boolean => {
      const [, epoch, sequence] = /^(\d{1,16})\.(\d{1,16})$/.exec(text) ?? [];
      return Number.isSafeInteger(Number(epoch)) && Number.isSafeInteger(Number(sequence));
    };
    const parts = pieces.map((texts) => texts.join(''));
    fc.assert(
      fc.property(parts, (text) => expect(parseVersion(text) !== undefined).toBe(isVersion(text))),
      { numRuns: 1_000 },
    );
    for (const text of ['', '.', '1.', '.1', '1', '1.2.3', '9007199254740992.1', '1.99999999999999999'])
      expect(parseVersion(text)).toBeUndefined();
  });
});
