import { copyMessage, freezeMessage, isolate } from './copy.js';

describe('messages in transit', () => {
  const message = (): { kind: string; bytes: Uint8Array; list: { n: number }[]; none: null; gone: undefined } => ({
    kind: 'x',
    bytes: new Uint8Array([1, 2, 3]),
    list: [{ n: 1 }],
    none: null,
    gone: undefined,
  });

  it('arrive equal and share nothing with what was sent', () => {
    const sent = message();
    const received = copyMessage(sent);
    expect(received).toEqual(sent);
    sent.list[0]!.n = 2;
    sent.bytes[0] = 9;
    expect(received.list).toEqual([{ n: 1 }]);
    expect([...received.bytes]).toEqual([1, 2, 3]);
    expect(received.bytes).toBeInstanceOf(Uint8Array);
  });

  it('copy a view of bytes without the buffer around it', () => {
    const large = new Uint8Array([0, 0, 7, 8, 0]);
    const received = copyMessage({ bytes: large.subarray(2, 4) });
    expect([...received.bytes]).toEqual([7, 8]);
    expect(received.bytes.buffer.byteLength).toBe(2);
  });

  it('can be frozen, so that a sender that changes what it sent is found', () => {
    const sent = isolate(message(), 'freeze');
    expect(() => {
      sent.list[0]!.n = 2;
    }).toThrow(TypeError);
    expect(() => sent.list.push({ n: 3 })).toThrow(TypeError);
  });

  it.each([
    ['a Map', { a: new Map() }, /Map at \.a/],
    ['a function', { a: [() => 1] }, /function at \.a\[0\]/],
    ['a bigint', 1n, /bigint at its root/],
    ['a class', { at: new (class Clock {})() }, /Clock at \.at/],
  ])('cannot carry %s', (_, sent, problem) => {
    expect(() => copyMessage(sent)).toThrow(problem);
    expect(() => freezeMessage(sent)).toThrow(problem);
  });
});
