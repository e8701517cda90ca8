import type { EVENTS, EventName } from './events/index.js';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** What may be logged at exactly this level. What is logged at `debug` is for who reads the code, and of no table. */
export type EventAt<Level extends LogLevel> = [Level] extends ['debug']
  ? string
  : { [Name in EventName]: [Level] extends [(typeof EVENTS)[Name]['level']] ? Name : never }[EventName];

/** One structured log line. `event` is a stable, greppable name in kebab-case; what varies stands in the fields. */
export type LogLine = { fields?: Readonly<Record<string, unknown>> } & {
  [Level in LogLevel]: { level: Level; event: EventAt<Level> };
}[LogLevel];

export type LogEffect = { type: 'log' } & LogLine;

/** Makes the effect that writes a line. */
export function logged<Level extends LogLevel>(
  level: Level,
  event: EventAt<Level>,
  fields?: Readonly<Record<string, unknown>>,
): LogEffect {
  return { type: 'log', level, event, ...(fields === undefined ? {} : { fields }) } as LogEffect;
}
