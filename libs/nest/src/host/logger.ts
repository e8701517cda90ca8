import { types } from 'node:util';
import type { LogLevel } from '#model';
import { LogLimiter } from './log-limiter.js';

export type LogFields = Readonly<Record<string, unknown>>;

/** Structured logging: `event` is a stable, greppable name in kebab-case; what varies stands in the fields. */
export interface Logger {
  log(level: LogLevel, event: string, fields?: LogFields): void;
  debug(event: string, fields?: LogFields): void;
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
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
}

const RANK: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3 };

/** One line an event, whatever the fields hold; one that happens all the time is written now and then, with how often not. */
export function createLogger(options: LoggerOptions): Logger {
  const { tier, level: least, wallMs = Date.now, write = (line) => void process.stdout.write(line) } = options;
  const { nowMs = () => performance.now() } = options;
  const limiter = new LogLimiter();
  const pretty = options.format === 'pretty' || (options.format === 'auto' && process.stdout.isTTY);
  const log = (level: LogLevel, event: string, fields: LogFields = {}): void => {
    if (RANK[level] < RANK[least]) return;
    // Who asks for debug wants to see everything.
    const suppressed = level === 'debug' ? 0 : limiter.take(nowMs(), event);
    if (suppressed === undefined) return;
    const told = suppressed === 0 ? fields : { ...fields, suppressed };
    const time = new Date(wallMs()).toISOString();
    write(pretty ? prettyLine(time, level, tier, event, told) : jsonLine(time, level, tier, event, told));
  };
  return {
    log,
    debug: (event, fields) => log('debug', event, fields),
    info: (event, fields) => log('info', event, fields),
    warn: (event, fields) => log('warn', event, fields),
    error: (event, fields) => log('error', event, fields),
  };
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
