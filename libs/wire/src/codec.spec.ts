import * as fc from 'fast-check';
import { pack as stockPack } from 'msgpackr';
import { type Code, RegistryError } from '#model';
import { decodeBody, encodeBody, pack, SharedBody, Spliced, unpack } from './index.js';

const key = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }).filter((text) => text !== '__proto__'),
  fc.constantFrom('constructor', 'toString', 'hasOwnProperty', 'data', 'id'),
);

/** Everything that our messages are made of. */
const value = fc.letrec((tie) => ({
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
function normal(input: unknown): unknown {
  if (typeof input === 'string') return wellFormed(input);
  if (input === 0) return 0;
  if (input instanceof Uint8Array) return [...input];
  if (Array.isArray(input)) return input.map(normal);
  if (typeof input === 'object' && input !== null)
    return Object.fromEntries(Object.entries(input).map(([name, item]) => [wellFormed(name), normal(item)]));
  return input;
}

function codeOf(run: () => unknown): Code | 'none' {
  try {
    run();
    return 'none';
  } catch (error) {
    if (error instanceof RegistryError) return error.code;
    throw error;
  }
}

describe('the codec', () => {
  it('gives back whatever it was given', () => {
    fc.assert(fc.property(value, (input) => expect(normal(unpack(pack(input)))).toEqual(normal(input))));
  });

  it('reads what a stock msgpackr writes', () => {
    fc.assert(fc.property(value, (input) => expect(normal(unpack(stockPack(input)))).toEqual(normal(input))));
  });

  it('answers any bytes with a value or BAD_FRAME, and nothing else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(['none', 'BAD_FRAME']).toContain(codeOf(() => unpack(bytes)));
      }),
      { numRuns: 1000 },
    );
  });

  it('takes no string for another that it has read before, whatever the bytes of either', () => {
    // A few bytes, so that many are alike; some are no UTF-8, and some are characters only together.
    const byte = fc.constantFrom(0x61, 0x62, 0x7f, 0x80, 0xa9, 0xc3, 0xe9, 0xef, 0xbf, 0xbd);
    const text = fc.array(byte, { maxLength: 5 }).map((bytes) => Buffer.from([0xa0 + bytes.length, ...bytes]));
    fc.assert(
      fc.property(fc.array(text, { maxLength: 100 }), (texts) => {
        const all = Buffer.concat([Buffer.from([0xdc, 0, texts.length]), ...texts]);
        expect(unpack(all)).toEqual(texts.map((bytes) => bytes.toString('utf8', 1)));
      }),
    );
  });

  it('refuses a message that lost its end, wherever it was cut', () => {
    fc.assert(
      fc.property(value, fc.nat(), (input, cut) => {
        const bytes = pack(input);
        expect(codeOf(() => unpack(bytes.subarray(0, cut % bytes.length)))).toBe('BAD_FRAME');
      }),
    );
  });

  it('refuses bytes behind the message', () => {
    expect(codeOf(() => unpack(Buffer.concat([pack({ a: 1 }), Buffer.from([0])])))).toBe('BAD_FRAME');
  });

  it('reads every width of integer and float', () => {
    const bytes = Buffer.from([
      0x9c, 0xcc, 0xff, 0xcd, 0xff, 0xff, 0xce, 0xff, 0xff, 0xff, 0xff, 0xcf, 0, 0, 1, 0, 0, 0, 0, 0, 0xd0, 0x80, 0xd1,
      0x80, 0, 0xd2, 0x80, 0, 0, 0, 0xd3, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe, 0xca, 0x3f, 0x80, 0, 0, 0xcb,
      0x3f, 0xf8, 0, 0, 0, 0, 0, 0, 0xe0, 0x7f,
    ]);
    expect(unpack(bytes)).toEqual([
      255, 65535, 4294967295, 1099511627776, -128, -32768, -2147483648, -2, 1, 1.5, -32, 127,
    ]);
  });

  it('reads timestamps', () => {
    for (const ms of [0, 1_700_000_000_000, 1_700_000_000_123, -1000, 8_000_000_000_000_000])
      expect(unpack(pack(new Date(ms)))).toEqual(new Date(ms));
  });

  it('leaves prototypes alone', () => {
    const hostile = Buffer.from(pack({ _proto___: { polluted: true }, constructor: { prototype: 1 } }));
    hostile.write('__proto__', hostile.indexOf('_proto___'));
    const decoded = unpack(hostile) as Record<string, unknown>;
    expect(Object.getPrototypeOf(decoded)).toBe(Object.prototype);
    expect(Object.keys(decoded)).toEqual(['constructor']);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  it('takes no more memory than a message can be worth', () => {
    const claims = [
      Buffer.from([0xdd, 0xff, 0xff, 0xff, 0xff]), // an array of four thousand million items
      Buffer.from([0xdf, 0xff, 0xff, 0xff, 0xff]), // a map of as many
      Buffer.from([0xc6, 0xff, 0xff, 0xff, 0xff]), // as many bytes
      Buffer.from([0xdb, 0xff, 0xff, 0xff, 0xff]), // as many characters
      Buffer.concat([Buffer.from([0xdd, 0, 1, 0, 0]), Buffer.alloc(65536, 0x80)]), // 65,536 empty maps in as many bytes
      Buffer.alloc(1_000_000, 0x91), // nested a million deep
      Buffer.from([0xd4, 0x72, 0x40, 0x91, 0xa1, 0x61, 0x01]), // a msgpackr record
      Buffer.from([0xd6, 0x69, 0, 0, 0, 1, 0x91, 0xd6, 0x70, 0, 0, 0, 1]), // a cycle
    ];
    for (const claim of claims) expect(codeOf(() => unpack(claim))).toBe('BAD_FRAME');
  });

  it('keeps nothing of the frame in what it decodes', () => {
    const frame = Buffer.from(pack({ body: new Uint8Array([1, 2, 3]) }));
    const { body } = unpack(frame) as { body: Uint8Array };
    frame.fill(0);
    expect([...body]).toEqual([1, 2, 3]);
    expect(body.buffer.byteLength).toBe(3);
  });

  it('copies no binary for who keeps the frame', () => {
    const frame = Buffer.from(pack({ body: new Uint8Array([1, 2, 3]), empty: new Uint8Array() }));
    const { body, empty } = unpack(frame, 'view') as { body: Uint8Array; empty: Uint8Array };
    expect([...body]).toEqual([1, 2, 3]);
    expect(body.buffer).toBe(frame.buffer);
    expect(empty).toHaveLength(0);
    // Said of one decode, and of no other.
    expect((unpack(frame) as { body: Uint8Array }).body.buffer).not.toBe(frame.buffer);
  });
});

describe('what is packed already', () => {
  it('is spliced into whatever it stands in, as if it had been there from the start', () => {
    fc.assert(
      fc.property(value, value, value, (before, inside, after) => {
        const plain = { before, list: [inside, [inside], { inside }], after };
        const once = new Spliced(Buffer.from(pack(inside)));
        const spliced = { before, list: [once, [once], { inside: once }], after };
        expect(pack(spliced).equals(pack(plain))).toBe(true);
      }),
    );
  });

  it('is spliced also where the buffer of the encoder has to grow for it, and for what follows', () => {
    for (const size of [1_000, 8_000, 8_192, 70_000, 3_000_000]) {
      const inside = { text: 'x'.repeat(size) };
      const once = SharedBody.of(inside);
      const list = Array.from({ length: 3 }, () => once);
      expect(unpack(pack({ list, tail: ['after', size] }))).toEqual({
        list: [inside, inside, inside],
        tail: ['after', size],
      });
      expect(unpack(pack(once))).toEqual(inside);
    }
  });
});

describe('what cannot be encoded', () => {
  it('leaves nothing behind in what is encoded next, however large either is', () => {
    const text = 'x'.repeat(2_000_000);
    for (const impossible of [{ list: ['begun', Symbol('never')] }, { text, impossible: Symbol('never') }]) {
      for (const next of [{ small: 1 }, { text }]) {
        expect(() => pack(impossible)).toThrow('Unknown type: symbol');
        expect(unpack(pack(next))).toEqual(next);
      }
    }
  });

  it('costs no more memory than it takes, once it is encoded', () => {
    expect(pack({ text: 'x'.repeat(100_000) }).buffer.byteLength).toBeLessThan(100_020);
  });
});

describe('the body of a publication', () => {
  it('keeps what was published, fields of newer clients included', () => {
    const content = { data: ['http://a:1', 'http://b:2'], weight: 3, nested: { zone: 'z' } };
    expect(decodeBody(encodeBody(content))).toEqual(content);
  });

  it('holds memory of its own', () => {
    expect(encodeBody({ data: ['a'] }).buffer.byteLength).toBeLessThan(20);
  });

  it('counts as empty when it cannot be read', () => {
    for (const body of [Buffer.from([0xc1]), pack('text'), pack(null), pack([1]), pack({ data: 7 }), Buffer.alloc(0)])
      expect(decodeBody(body).data).toEqual([]);
    expect(decodeBody(pack({ data: ['a', 7, null, 'b'] })).data).toEqual(['a', 'b']);
  });
});
