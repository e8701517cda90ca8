import * as fc from 'fast-check';
import type { RegistryError } from '#model';
import { type Backup, decodeBackup, encodeBackup } from './backup.js';

const backup: Backup = {
  position: { index: 7, term: 3, configuration: { voters: ['a', 'b'], learners: ['c'], era: 2 ** 46 } },
  about: { clusterId: 'größer', takenAt: '2031-04-03T02:01:00.000Z' },
  image: Uint8Array.from({ length: 1000 }, (_, i) => (i * 31) & 0xff),
};
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');
const bytesOf = (content: string): Uint8Array => new TextEncoder().encode(content);

function refusal(bytes: Uint8Array): string {
  try {
    decodeBackup(bytes);
  } catch (error) {
    const { code, message } = error as RegistryError;
    return code === 'INVALID_BACKUP' ? message : `It failed otherwise, ${code}: ${message}`;
  }
  return 'taken';
}

describe('a backup', () => {
  it('is read as it was written, whatever the image holds', () => {
    expect(decodeBackup(encodeBackup(backup))).toEqual(backup);
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 300 }),
        fc.dictionary(fc.string(), fc.jsonValue()),
        fc.integer({ min: 1 }),
        (image, about, index) => {
          const other = { ...backup, image, about, position: { ...backup.position, index } };
          expect(decodeBackup(encodeBackup(other))).toEqual({ ...other, about: JSON.parse(JSON.stringify(about)) });
        },
      ),
    );
  });

  it('says in its first two lines, to people too, what it is', () => {
    const [first, second] = text(encodeBackup(backup)).split('\n');
    expect(first).toMatch(/^rollcall-backup 1 \d+ [0-9a-f]{8}$/);
    expect(JSON.parse(second!)).toMatchObject({ index: 7, term: 3, configuration: { voters: ['a', 'b'] } });
  });

  it('is refused with any bit flipped, cut short anywhere, and with more behind it', () => {
    const bytes = encodeBackup({ ...backup, image: bytesOf('image') });
    for (let at = 0; at < bytes.length; at++) {
      for (let bit = 0; bit < 8; bit++) {
        const flipped = bytes.slice();
        flipped[at]! ^= 1 << bit;
        expect(refusal(flipped)).toMatch(/^The backup cannot be used/);
      }
      expect(refusal(bytes.subarray(0, at))).toMatch(/^The backup cannot be used/);
    }
    expect(refusal(new Uint8Array([...bytes, 0]))).toMatch(/bytes should follow .* and \d+ do/);
  });

  it.each([
    ['nothing', '', /no backup of a meta group/],
    ['another file', '{"version":1}\n', /no backup of a meta group/],
    ['a page of HTML', `<html>${'x'.repeat(100_000)}`, /no backup of a meta group/],
    [
      'a later format',
      'rollcall-backup 2 12 deadbeef zstd\n',
      /of format 2, and this version of Rollcall reads format 1/,
    ],
    ['a first line without its numbers', 'rollcall-backup 1\n', /damaged/],
  ])('is not %s', (_, content, message) => {
    expect(refusal(bytesOf(content))).toMatch(message);
  });

  it.each([
    ['no position', { term: 1, configuration: backup.position.configuration }],
    ['a position before the first entry', { ...backup.position, index: 0 }],
    ['no configuration', { index: 1, term: 1, configuration: { voters: [7], learners: [] } }],
  ])('that is whole and has %s is refused', (_, position) => {
    const made = encodeBackup({ ...backup, position: position as Backup['position'] });
    expect(refusal(made)).toMatch(/does not say what it holds/);
  });
});
