import { CLIENT_EVENTS } from './client.js';
import { DATA_EVENTS } from './data.js';
import type { LogEvent } from './entry.js';
import { MEMBER_EVENTS } from './member.js';
import { META_EVENTS } from './meta.js';
import { RAFT_EVENTS } from './raft.js';
import { SERVER_EVENTS } from './server.js';
import { SESSION_EVENTS } from './session.js';

export type { Fact, LogEvent, Trouble } from './entry.js';

/** Who logs what, in the order in which people are told. */
export const EVENT_GROUPS = {
  server: SERVER_EVENTS,
  member: MEMBER_EVENTS,
  meta: META_EVENTS,
  raft: RAFT_EVENTS,
  data: DATA_EVENTS,
  session: SESSION_EVENTS,
  client: CLIENT_EVENTS,
} as const satisfies Record<string, Record<string, LogEvent>>;

/**
 * The closed table of what is logged above `debug`. A name is stable: programs may look for it. Each event has one level,
 * which says what it asks of people: `error` that somebody acts, `warn` that somebody looks soon, `info` nothing.
 */
export const EVENTS = {
  ...SERVER_EVENTS,
  ...MEMBER_EVENTS,
  ...META_EVENTS,
  ...RAFT_EVENTS,
  ...DATA_EVENTS,
  ...SESSION_EVENTS,
  ...CLIENT_EVENTS,
} as const;

export type EventName = keyof typeof EVENTS;
