import * as fc from 'fast-check';
import { LIMITS } from './limits.js';
import { checkData, checkName, parseDataInfoId, toDataInfoId, utf8Bytes } from './names.js';

const codeOf = (value: unknown): string | undefined => checkName('dataId', value)?.code;

describe('names', () => {
  it('are counted in UTF-8 bytes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(utf8Bytes(text)).toBe(new TextEncoder().encode(text).length);
      }),
    );
    expect(codeOf('é'.repeat(LIMITS.nameBytes / 2))).toBeUndefined();
    expect(codeOf('é'.repeat(LIMITS.nameBytes / 2 + 1))).toBe('INVALID_NAME');
  });

  it.each([undefined, null, 7, '', 'a\u0000', 'a\u007f', 'a\u0085', 'a#@#b', '#@#', 'a#@', '@#a', '#@'])(
    'refuses %j',
    (value) => expect(codeOf(value)).toBe('INVALID_NAME'),
  );

  it('that are joined can be told apart again: two different triples never give the same dataInfoId', () => {
    // Few characters, so that the separator and its halves come up often.
    const name = fc
      .string({ unit: fc.constantFrom('a', '#', '@'), minLength: 1, maxLength: 6 })
      .filter((text) => codeOf(text) === undefined);
    const names = fc.record({ dataId: name, group: name, instanceId: name });
    fc.assert(
      fc.property(names, (triple) => expect(parseDataInfoId(toDataInfoId(triple))).toEqual(triple)),
      { numRuns: 2_000 },
    );
  });
});

describe('data', () => {
  it('is a list of strings within its limits', () => {
    expect(checkData(['a', ''])).toBeUndefined();
    expect(checkData('a')?.code).toBe('BAD_REQUEST');
    expect(checkData([1])?.code).toBe('BAD_REQUEST');
    expect(checkData(Array.from({ length: LIMITS.dataStrings }, () => ''))).toBeUndefined();
    expect(checkData(Array.from({ length: LIMITS.dataStrings + 1 }, () => ''))?.code).toBe('DATA_TOO_LARGE');
    expect(checkData(['x'.repeat(LIMITS.dataBytes)])).toBeUndefined();
    expect(checkData(['x'.repeat(LIMITS.dataBytes), 'y'])?.code).toBe('DATA_TOO_LARGE');
  });
});
