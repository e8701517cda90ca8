import { types } from 'node:util';
import { EVENTS, type Env, type EventAt, type EventName, type LogLevel, type LogLine } from '#model';
import { LOG_LIMITS, LogLimiter } from './log-limiter.js';

export type LogFields = Readonly<Record<string, unknown>>;

/**
 * Structured logging. What an event means, and at which level it is logged, is said once, by the table of events; what
 * varies stands in the fields.
 */
export interface Logger {
  line(line: LogLine): void;
  debug(event: string, fields?: LogFields): void;
  info(event: EventAt<'info'>, fields?: LogFields): void;
  warn(event: EventAt<'warn'>, fields?: LogFields): void;
  error(event: EventAt<'error'>, fields?: LogFields): void;
  /** How often each event of the table has happened, whether it was written or not. */
  readonly counts: ReadonlyMap<EventName, number>;
  /** Says what is still to be said of lines that were left out. Whoever logs afterwards is heard all the same. */
  close(): void;
}

export interface LoggerOptions {
  /** Who speaks: the name of the tier. */
  tier: string;
  level: LogLevel;
  /** `auto`: pretty on a terminal, json elsewhere. */
  format: 'json' | 'pretty' | 'auto';
  /** Takes one line, with its line break. */
  write?: (line: string) => void;
  wallMs?: () => number;
  /** Monotonic. */
  nowMs?: () => number;
  at?: Env['at'];
}

const RANK: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3 };

/** One line an event, whatever the fields hold; one that happens all the time is written now and then, with how often not. */
export function createLogger(options: LoggerOptions): Logger {
  const { tier, level: least, wallMs = Date.now, write = (line) => void process.stdout.write(line) } = options;
  const { nowMs = () => performance.now(), at = atLeisure } = options;
  const limiter = new LogLimiter();
  const counts = new Map<EventName, number>();
  const pretty = options.format === 'pretty' || (options.format === 'auto' && process.stdout.isTTY);
  const print = pretty ? prettyLine : jsonLine;
  let cancel: (() => void) | undefined;

  const put = (level: LogLevel, event: string, fields: LogFields): void =>
    write(print(new Date(wallMs()).toISOString(), level, tier, event, fields));

  const tell = (untilMs: number): void => {
    cancel?.();
    cancel = undefined;
    for (const { event, suppressed } of limiter.ended(untilMs)) put(levelOf(event), event, { suppressed });
  };

  /** A burst that goes on says in its next line how much was left out; of one that has ended nobody else will. */
  const tellLater = (): void => {
    cancel ??= at(nowMs() + 2 * LOG_LIMITS.everyMs, () => {
      tell(nowMs());
      if (limiter.isHolding) tellLater();
    });
  };

  const line = ({ level, event, fields = {} }: LogLine): void => {
    if (level !== 'debug') counts.set(event, (counts.get(event) ?? 0) + 1);
    if (RANK[level] < RANK[least]) return;
    // Who asks for debug wants to see everything.
    const suppressed = level === 'debug' ? 0 : limiter.take(nowMs(), event);
    if (suppressed === undefined) return tellLater();
    put(level, event, suppressed === 0 ? fields : { ...fields, suppressed });
  };
  const by =
    <Level extends LogLevel>(level: Level) =>
    (event: EventAt<Level>, fields?: LogFields): void =>
      line({ level, event, ...(fields === undefined ? {} : { fields }) } as LogLine);
  return {
    line,
    debug: by('debug'),
    info: by('info'),
    warn: by('warn'),
    error: by('error'),
    counts,
    close: () => tell(Infinity),
  };
}

/** Nobody waits for it, so it keeps no process alive. */
function atLeisure(atMs: number, run: () => void): () => void {
  const timer = setTimeout(run, Math.max(0, atMs - performance.now())).unref();
  return () => clearTimeout(timer);
}

/** Of an event that was left out, which only those of the table are. */
function levelOf(event: string): LogLevel {
  return Object.hasOwn(EVENTS, event) ? EVENTS[event as EventName].level : 'info';
}

function jsonLine(time: string, level: LogLevel, tier: string, event: string, fields: LogFields): string {
  // The four that every line has come first and win over a field of the same name.
  return `${stringify({ time, level, tier, event, ...omitReserved(fields) })}\n`;
}

const RESERVED = new Set(['time', 'level', 'tier', 'event']);

function omitReserved(fields: LogFields): LogFields {
  return Object.fromEntries(Object.entries(fields).map(([key, value]) => [RESERVED.has(key) ? `${key}_` : key, value]));
}

function prettyLine(time: string, level: LogLevel, tier: string, event: string, fields: LogFields): string {
  const shown = Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${key}=${prettyValue(value)}`);
  return `${[time.slice(11, 23), level.padEnd(5), tier.padEnd(7), event, ...shown].join(' ')}\n`;
}

function prettyValue(value: unknown): string {
  if (typeof value === 'string' && /^[^\s"=]+$/.test(value)) return value;
  return stringify(value);
}

/** JSON that never throws and never breaks the line: errors are told with their stack, what repeats itself is named. */
function stringify(value: unknown): string {
  try {
    return JSON.stringify(value, replacer) ?? String(value);
  } catch (error) {
    return JSON.stringify(`not printable: ${String(error)}`);
  }
}

function replacer(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString();
  if (value instanceof Uint8Array) return `${value.byteLength} bytes`;
  if (types.isNativeError(value)) {
    const { name, message, stack, cause, ...rest } = value as Error & Record<string, unknown>;
    return { name, message, ...rest, stack, ...(cause === undefined ? {} : { cause }) };
  }
  return value;
}
