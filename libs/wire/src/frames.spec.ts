import * as fc from 'fast-check';
import {
  encodeFrame,
  encodeFrameParts,
  encodeResponse,
  encodeShared,
  FrameDecoder,
  isRequestPacket,
  isResponsePacket,
  pack,
  unpack,
} from './index.js';
import { isFaultPacket, SharedBody, Spliced, toFailure } from './index.js';

function drain(decoder: FrameDecoder): unknown[] {
  const values: unknown[] = [];
  for (let frame = decoder.next(); frame !== undefined; frame = decoder.next()) values.push(unpack(frame));
  return values;
}

describe('frames', () => {
  const messages = fc.array(
    fc.oneof(
      fc.string({ maxLength: 40 }),
      fc.integer({ min: 0, max: 60_000 }).map((size) => 'x'.repeat(size)),
    ),
    { maxLength: 12 },
  );

  it('come out whole and in order, however the bytes were cut on the way', () => {
    fc.assert(
      fc.property(
        messages,
        fc.array(fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 70_000 })), { minLength: 1 }),
        (sent, cuts) => {
          const bytes = Buffer.concat(sent.map((message) => encodeFrame(message)));
          const decoder = new FrameDecoder();
          const received: unknown[] = [];
          // Small cuts at the head of the stream, then larger ones, so that a long stream does not take all day.
          for (let offset = 0, turn = 0; offset < bytes.length; turn++) {
            const size = turn < 50 ? cuts[turn % cuts.length]! : 4096;
            decoder.push(bytes.subarray(offset, offset + size), turn);
            received.push(...drain(decoder));
            offset += size;
          }
          expect(received).toEqual(sent);
          expect(decoder.incompleteSinceMs).toBeUndefined();
        },
      ),
    );
  });

  it('are refused as soon as the length is known, not when the bytes are there', () => {
    const decoder = new FrameDecoder({ maxFrameBytes: 1000 });
    decoder.push(Buffer.from([0, 0]), 0);
    expect(decoder.next()).toBeUndefined();
    decoder.push(Buffer.from([3, 0xe9]), 0);
    expect(() => decoder.next()).toThrow(expect.objectContaining({ code: 'FRAME_TOO_LARGE' }));
  });

  it('are not made larger than the other side takes', () => {
    expect(() => encodeFrame('x'.repeat(1000), 1000)).toThrow(expect.objectContaining({ code: 'FRAME_TOO_LARGE' }));
    expect(encodeFrame('x'.repeat(997), 1000).length).toBe(1004);
  });

  it('are the same in parts, of which large ones that were packed before are not copied', () => {
    const sizes = fc.array(fc.oneof(fc.nat(100), fc.integer({ min: 4_000, max: 5_000 }), fc.nat(900_000)), {
      maxLength: 6,
    });
    fc.assert(
      fc.property(sizes, fc.array(fc.string(), { maxLength: 3 }), (bytes, between) => {
        const packed = bytes.map((size) => pack('x'.repeat(size)));
        const value = { id: 7, response: packed.flatMap((each) => [new Spliced(each), ...between]), between };
        const parts = encodeFrameParts(value);
        expect(Buffer.concat(parts).equals(encodeFrame(value))).toBe(true);
        for (const each of packed.filter(({ length }) => length > 5_000))
          expect(parts.some((part) => part.buffer === each.buffer && part.length === each.length)).toBe(true);
      }),
      { numRuns: 50 },
    );
    expect(() => encodeFrameParts(new Spliced(pack('x'.repeat(9_000))), 9_000)).toThrow(
      expect.objectContaining({ code: 'FRAME_TOO_LARGE' }),
    );
  });

  it('are incomplete from the moment of their own first byte', () => {
    const decoder = new FrameDecoder();
    const [first, second] = [encodeFrame('first'), encodeFrame('second')];
    expect(decoder.incompleteSinceMs).toBeUndefined();
    decoder.push(first.subarray(0, 2), 10);
    drain(decoder);
    expect(decoder.incompleteSinceMs).toBe(10);
    decoder.push(first.subarray(2, 5), 20);
    drain(decoder);
    expect(decoder.incompleteSinceMs).toBe(10);
    decoder.push(Buffer.concat([first.subarray(5), second.subarray(0, 3)]), 30);
    expect(drain(decoder)).toEqual(['first']);
    expect(decoder.incompleteSinceMs).toBe(30);
    expect(decoder.incompleteBytes).toBe(3);
    decoder.push(second.subarray(3), 40);
    expect(drain(decoder)).toEqual(['second']);
    expect(decoder.incompleteSinceMs).toBeUndefined();
  });
});

describe('an answer whose body is shared', () => {
  it('is for its reader the same as one encoded for it alone', () => {
    const ids = fc.oneof(fc.nat(), fc.string({ maxLength: 30 }));
    const bodies = fc.oneof(fc.string({ maxLength: 20_000 }), fc.dictionary(fc.string(), fc.integer()));
    fc.assert(
      fc.property(ids, bodies, fc.boolean(), (id, body, isDisposed) => {
        const encoded = encodeResponse(id, SharedBody.of(body), { isDisposed });
        const decoder = new FrameDecoder();
        decoder.push(Array.isArray(encoded) ? Buffer.concat(encoded) : encoded, 0);
        const plain = unpack(pack({ id, response: body, ...(isDisposed ? { isDisposed } : {}) }));
        expect(drain(decoder)).toEqual([plain]);
      }),
    );
  });

  it('shares the bytes of a large body instead of copying them', () => {
    const body = pack('x'.repeat(10_000));
    const encoded = encodeResponse(1, body) as Buffer[];
    expect(encoded).toHaveLength(2);
    expect(encoded[1]!.buffer).toBe(body.buffer);
    expect(encoded[1]!.byteOffset).toBe(body.byteOffset);
    expect(Array.isArray(encodeResponse(1, pack('small')))).toBe(false);
  });

  it('are one buffer for all who ask alike, and for nobody to whom it would be too large', () => {
    const body = SharedBody.of({ push: 'x'.repeat(100) });
    const first = encodeShared(2, body);
    expect(encodeShared(2, body)).toBe(first);
    expect(encodeShared(3, body)).toEqual(encodeResponse(3, body));
    expect(encodeShared('2', body)).toEqual(encodeResponse('2', body));
    expect(encodeShared(2, body)).toEqual(first);
    expect(() => encodeShared(2, body, 100)).toThrow(expect.objectContaining({ code: 'FRAME_TOO_LARGE' }));
    const large = SharedBody.of('x'.repeat(10_000));
    expect(encodeShared(1, large)).toEqual(encodeResponse(1, large));
  });
});

describe('the validators of packets', () => {
  it('answer anything at all without throwing', () => {
    fc.assert(
      fc.property(fc.anything(), (anything) => {
        expect(typeof isRequestPacket(anything)).toBe('boolean');
        expect(typeof isResponsePacket(anything)).toBe('boolean');
        expect(typeof isFaultPacket(anything)).toBe('boolean');
        expect(typeof toFailure(anything).message).toBe('string');
      }),
    );
  });

  it('know a packet of ours', () => {
    expect(isRequestPacket({ pattern: 'registry.query', data: {}, id: 1 })).toBe(true);
    expect(isRequestPacket({ pattern: { cmd: 'sum' }, data: {}, id: 'abc' })).toBe(true);
    expect(isRequestPacket({ pattern: 'event', data: null })).toBe(true);
    expect(isRequestPacket({ data: {}, id: 1 })).toBe(false);
    expect(isRequestPacket({ pattern: 'x', id: { deep: 1 } })).toBe(false);
    expect(isRequestPacket({ pattern: 'x', id: 'x'.repeat(129) })).toBe(false);
    expect(isResponsePacket({ id: 1, response: 'r' })).toBe(true);
    expect(isResponsePacket({ id: 1, err: 'e', isDisposed: 'yes' })).toBe(false);
  });

  it('make a failure of every error, in particular of what a stock Nest server sends', () => {
    expect(toFailure({ code: 'NO_LEADER', message: 'm', retryAfterMs: 5, extra: 1 })).toEqual({
      code: 'NO_LEADER',
      message: 'm',
      retryAfterMs: 5,
    });
    expect(toFailure({ status: 'error', message: 'Internal server error' })).toEqual({
      code: 'INTERNAL',
      message: 'Internal server error',
    });
    expect(toFailure('There is no matching message handler').code).toBe('INTERNAL');
  });
});
