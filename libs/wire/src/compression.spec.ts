import { gzipSync } from 'node:zlib';
import { LIMITS } from '#model';
import { ENCODINGS, SharedBody, compressed, expanded, unpack } from './index.js';

const list = {
  type: 'snapshot',
  publishers: Array.from({ length: 500 }, (_, i) => ({ data: [`tcp://10.0.0.${i}:80`] })),
};
const sent = (value: unknown) => unpack(compressed(SharedBody.of(value)).packed);

describe('a compressed answer', () => {
  it('says the same, and is smaller', () => {
    expect(expanded(sent(list))).toEqual(list);
    expect(compressed(SharedBody.of(list)).packed.byteLength).toBeLessThan(SharedBody.of(list).packed.byteLength / 4);
    expect(ENCODINGS).toContain((sent(list) as { encoding: string }).encoding);
  });

  it('is told from every other', () => {
    for (const value of [list, null, 7, 'gzip', { encoding: 'br', packed: Uint8Array.of(1) }, { encoding: 'gzip' }])
      expect(expanded(value)).toBe(value);
  });

  it('that cannot be read, or would be too large, is a bad frame', () => {
    const bomb = gzipSync(new Uint8Array(LIMITS.frameBytes + 1));
    for (const packed of [Uint8Array.of(1, 2, 3), gzipSync(Uint8Array.of(0xc1)), bomb])
      expect(() => expanded({ encoding: 'gzip', packed })).toThrow(expect.objectContaining({ code: 'BAD_FRAME' }));
  });
});
