import { stripVTControlCharacters } from 'node:util';
import { bytes, duration, parseDuration } from './duration.js';
import { harmless, painter } from './paint.js';
import { Progress } from './progress.js';
import { table } from './table.js';

describe('what is printed', () => {
  const plain = painter(false, {});

  it('stands in columns, with numbers to the right and nothing behind the last', () => {
    expect(
      table(
        plain,
        ['NAME', 'COUNT', 'STATE'],
        [
          ['a', 7, 'ok'],
          ['longer', 123_456, { text: 'bad', tint: 'bad' }],
          ['none', undefined, ''],
        ],
      ),
    ).toEqual(['NAME     COUNT  STATE', 'a            7  ok', 'longer  123456  bad', 'none']);
  });

  it('is coloured only where somebody sees it and has not said no', () => {
    expect(painter(true, {})('bad', 'x')).not.toBe('x');
    for (const paint of [plain, painter(true, { NO_COLOR: '1' }), painter(true, { TERM: 'dumb' })])
      expect(paint('bad', 'x')).toBe('x');
    // Colours take no room.
    const [, row] = table(painter(true, {}), ['A', 'B'], [[{ text: 'x', tint: 'good' }, 'y']]);
    expect(stripVTControlCharacters(row!)).toBe('x  y');
  });

  it('does not steer the terminal, whatever others have published', () => {
    expect(harmless('a\u001b[2Jb\r\n\u009bc')).toBe('a\\u001b[2Jb\\r\\n\\u009bc');
    expect(table(plain, ['X'], [['\u001b]0;x\u0007']])[1]).not.toContain('\u001b');
  });

  it('tells of progress in one line of a terminal, and elsewhere in one for each news', () => {
    const told = (errIsTty: boolean, quiet = false): string => {
      let err = '';
      let nowMs = 0;
      const terminal = { errIsTty, err: (text: string) => void (err += text) } as never;
      const progress = new Progress(terminal, quiet, () => nowMs);
      for (const text of ['1 of 2', '1 of 2', '2 of 2']) progress.tell(text);
      nowMs = 10_000;
      progress.tell('2 of 2');
      progress.end();
      return err;
    };
    expect(told(false)).toBe('1 of 2\n2 of 2\n2 of 2\n');
    expect(told(true)).toBe('\r\u001b[2K1 of 2\r\u001b[2K2 of 2\r\u001b[2K');
    expect(told(false, true)).toBe('');
  });

  it('reads and says durations and sizes', () => {
    expect(['500ms', '30s', '5m', '1.5h', '2d', '7', '', '5x', '-1s'].map(parseDuration)).toEqual([
      500,
      30_000,
      300_000,
      5_400_000,
      172_800_000,
      7_000,
      undefined,
      undefined,
      undefined,
    ]);
    expect([0.5, 7.25, 900, 1_500, 61_000, 7_260_000, 90_000_000].map(duration)).toEqual([
      '0.50 ms',
      '7.3 ms',
      '900 ms',
      '1.5 s',
      '1 min 1 s',
      '2 h 1 min',
      '1 d 1 h',
    ]);
    expect([7, 2_048, 3_145_728].map(bytes)).toEqual(['7 B', '2.0 KiB', '3.0 MiB']);
  });
});
