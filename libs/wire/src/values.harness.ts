import * as fc from 'fast-check';

const key = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }).filter((text) => text !== '__proto__'),
  fc.constantFrom('constructor', 'toString', 'hasOwnProperty', 'data', 'id'),
);

/** Everything that our messages are made of. */
export const value = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.constant(null),
    fc.constant(undefined),
    fc.boolean(),
    fc.integer(),
    fc.double({ noNaN: true }),
    fc.maxSafeInteger(),
    fc.string({ unit: 'binary', maxLength: 100 }),
    fc.uint8Array({ maxLength: 100 }),
    fc.array(tie('value'), { maxLength: 8 }),
    fc.dictionary(key, tie('value'), { maxKeys: 8 }),
  ),
})).value;

const wellFormed = (text: string): string => Buffer.from(text).toString();

/** Buffers and byte arrays are the same thing here; lone surrogates become the replacement character; -0 is 0. */
export function normal(input: unknown): unknown {
  if (typeof input === 'string') return wellFormed(input);
  if (input === 0) return 0;
  if (input instanceof Uint8Array) return [...input];
  if (Array.isArray(input)) return input.map(normal);
  if (typeof input === 'object' && input !== null)
    return Object.fromEntries(Object.entries(input).map(([name, item]) => [wellFormed(name), normal(item)]));
  return input;
}
