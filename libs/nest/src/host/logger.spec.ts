import { RegistryError } from '#model';
import { type LoggerOptions, createLogger } from './logger.js';
import { NestLogger } from './nest-logger.js';

function record(options: Partial<LoggerOptions> = {}) {
  const lines: string[] = [];
  const logger = createLogger({
    tier: 'meta',
    level: 'debug',
    format: 'json',
    wallMs: () => Date.UTC(2026, 0, 2, 3, 4, 5, 678),
    write: (line) => lines.push(line),
    ...options,
  });
  return { lines, logger, parsed: () => lines.map((line) => JSON.parse(line) as Record<string, unknown>) };
}

describe('the log', () => {
  it('is one JSON object a line: when, how grave, who, what, and the rest', () => {
    const { lines, logger } = record();
    logger.info('member-joined', { address: '127.0.0.1:9620', slots: 256 });
    expect(lines).toEqual([
      '{"time":"2026-01-02T03:04:05.678Z","level":"info","tier":"meta","event":"member-joined","address":"127.0.0.1:9620","slots":256}\n',
    ]);
  });

  it('is readable in a terminal', () => {
    const { lines, logger } = record({ format: 'pretty' });
    logger.warn('leader-out-of-reach', { peer: 'data-1', reason: 'connection reset', gone: undefined, list: [1, 2] });
    expect(lines).toEqual([
      '03:04:05.678 warn  meta    leader-out-of-reach peer=data-1 reason="connection reset" list=[1,2]\n',
    ]);
  });

  it('leaves out what is below its level', () => {
    const { parsed, logger } = record({ level: 'warn' });
    logger.debug('anything');
    logger.info('joined');
    logger.warn('stalled');
    logger.error('disk-failed');
    expect(parsed().map((line) => line.level)).toEqual(['warn', 'error']);
  });

  it('repeats no line for ever, and says how many it has left out', () => {
    let nowMs = 0;
    const { parsed, logger } = record({ nowMs: () => nowMs });
    for (let i = 0; i < 1_000; i++) logger.error('disk-failed', { i });
    const { length } = parsed();
    expect(length).toBeLessThan(100);
    nowMs = 60_000;
    logger.error('disk-failed', { i: 1_000 });
    logger.error('disk-failed', { i: 1_001 });
    expect(parsed().slice(length)).toMatchObject([{ i: 1_000, suppressed: 1_000 - length }, { i: 1_001 }]);
    expect(parsed().at(-1)).not.toHaveProperty('suppressed');
    for (let i = 0; i < 1_000; i++) logger.debug('asked-for');
    expect(parsed().filter(({ event }) => event === 'asked-for')).toHaveLength(1_000);
  });

  it('says how many it has left out of a burst that has ended, when nothing else does', () => {
    let nowMs = 0;
    const timers: { atMs: number; run: () => void }[] = [];
    const at = (atMs: number, run: () => void): (() => void) => {
      const timer = { atMs, run };
      timers.push(timer);
      return () => void timers.splice(timers.indexOf(timer), timers.includes(timer) ? 1 : 0);
    };
    const pass = (untilMs: number): void => {
      for (nowMs = untilMs; timers.length > 0 && timers[0]!.atMs <= nowMs;) timers.shift()!.run();
    };
    const { lines, parsed, logger } = record({ nowMs: () => nowMs, at });
    for (let i = 0; i < 1_000; i++) logger.error('disk-failed', { i });
    const written = lines.length;
    expect(timers).toHaveLength(1);
    // It goes on: the next line says it.
    nowMs = 1_500;
    logger.error('disk-failed', { i: 1_000 });
    logger.error('disk-failed', { i: 1_001 });
    expect(parsed().slice(written)).toMatchObject([{ i: 1_000, suppressed: 1_000 - written }]);
    pass(2_000);
    expect(lines).toHaveLength(written + 1);
    // It has ended.
    pass(4_000);
    expect(parsed().at(-1)).toMatchObject({ level: 'error', event: 'disk-failed', suppressed: 1 });
    expect([lines.length, timers]).toEqual([written + 2, []]);
    expect(logger.counts.get('disk-failed')).toBe(1_002);
  });

  it('says so when the server stops, too, and then once', () => {
    const { lines, parsed, logger } = record({ nowMs: () => 0, at: () => () => {} });
    for (let i = 0; i < 1_000; i++) logger.warn('stalled', { i });
    const written = lines.length;
    logger.close();
    logger.close();
    expect(parsed().slice(written)).toEqual([
      expect.objectContaining({ level: 'warn', event: 'stalled', suppressed: 1_000 - written }),
    ]);
  });

  it.each(['json', 'pretty'] as const)('stays one line and never throws, whatever the fields hold (%s)', (format) => {
    const { lines, logger } = record({ format });
    const circular: Record<string, unknown> = {};
    circular.self = circular;
    const throwing = {
      toJSON() {
        throw new Error('no');
      },
    };
    logger.error('request-failed', { text: 'a\nb', error: new Error('c\nd'), big: 1n, bytes: new Uint8Array(3) });
    logger.error('request-failed', { circular });
    logger.error('request-failed', { throwing });
    expect(lines).toHaveLength(3);
    for (const line of lines) expect(line.indexOf('\n')).toBe(line.length - 1);
    expect(lines[0]).toContain('3 bytes');
  });

  it('tells an error with its code, its stack and its cause', () => {
    const { parsed, logger } = record();
    const error = new RegistryError('NO_LEADER', 'nobody leads', { cause: new Error('refused') });
    logger.error('request-failed', { error });
    expect(parsed()[0]!.error).toMatchObject({
      code: 'NO_LEADER',
      message: 'nobody leads',
      cause: { message: 'refused' },
    });
    expect((parsed()[0]!.error as Error).stack).toContain('logger.spec');
  });

  it('keeps its own four fields when an event brings fields of those names', () => {
    const { parsed, logger } = record();
    logger.info('joined', { level: 7, tier: 'x', other: 1 });
    expect(parsed()[0]).toMatchObject({
      level: 'info',
      tier: 'meta',
      event: 'joined',
      level_: 7,
      tier_: 'x',
      other: 1,
    });
  });

  it("takes Nest's own words: chatter as debug, failures at their level", () => {
    const { parsed, logger } = record();
    const nest = new NestLogger(logger);
    nest.log('Mapped {/health, GET} route', 'RouterExplorer');
    nest.error('boom', 'Error: boom\n    at x', 'ExceptionsHandler');
    nest.error('Error: listen EADDRINUSE: address already in use 127.0.0.1:9603', 'NestApplication');
    expect(parsed()).toMatchObject([
      { level: 'debug', event: 'nest', context: 'RouterExplorer', message: 'Mapped {/health, GET} route' },
      {
        level: 'error',
        event: 'nest-error',
        context: 'ExceptionsHandler',
        message: 'boom',
        stack: 'Error: boom\n    at x',
      },
      { level: 'debug', event: 'nest', context: 'NestApplication' },
    ]);
  });
});
