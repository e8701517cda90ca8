/**
 * The closed table of error codes. A code is stable: programs may branch on it. `http` is the status at the REST edge;
 * `retry` says whether trying again can help: never, on the same server, or on another one.
 */
export const CODES = {
  BAD_REQUEST: { http: 400, retry: 'never', text: 'The request is not of the documented form.' },
  INVALID_NAME: {
    http: 400,
    retry: 'never',
    text: 'A name is missing, too long, or holds a control character or the separator #@#.',
  },
  INVALID_SCOPE: { http: 400, retry: 'never', text: 'The scope is not one of zone, dataCenter, global.' },
  DATA_TOO_LARGE: {
    http: 413,
    retry: 'never',
    text: 'A publication has more bytes, strings, lists or objects than it may, or nests them too deep.',
  },
  BODY_TOO_LARGE: { http: 413, retry: 'never', text: 'The HTTP body exceeds the limit.' },
  FRAME_TOO_LARGE: { http: 413, retry: 'never', text: 'A frame exceeds the limit; the connection is closed.' },
  FRAME_INCOMPLETE: {
    http: 408,
    retry: 'same',
    text: 'A frame was begun and not finished in time; the connection is closed.',
  },
  BAD_FRAME: {
    http: 400,
    retry: 'never',
    text: 'A frame is not a message of this protocol; the connection is closed.',
  },
  CONFIG_TOO_LARGE: {
    http: 413,
    retry: 'never',
    text: 'A configuration value exceeds its limit of bytes, or there are too many of them.',
  },
  VERSION_CONFLICT: { http: 409, retry: 'never', text: 'What was to be changed is at another version than expected.' },
  NOT_DRAINABLE: {
    http: 409,
    retry: 'never',
    text: 'Too few other data servers would be left to hold what this one holds.',
  },
  UNKNOWN_PATTERN: { http: 404, retry: 'never', text: 'No handler has this pattern.' },
  NOT_FOUND: { http: 404, retry: 'never', text: 'There is nothing at this address.' },
  UNSUPPORTED_PROTOCOL: { http: 400, retry: 'elsewhere', text: 'The protocol version is not spoken here.' },
  UNSUPPORTED_LEVEL: {
    http: 409,
    retry: 'never',
    text: 'The cluster is at a feature level that this version does not support.',
  },
  UNSUPPORTED_VERSION: {
    http: 409,
    retry: 'never',
    text: 'The versions of two servers are more than one minor version apart.',
  },
  CLUSTER_MISMATCH: { http: 409, retry: 'never', text: 'The peer belongs to another cluster.' },
  NOT_REGISTERED: { http: 404, retry: 'never', text: 'No such registration exists, or its lease has ended.' },
  NOT_SUBSCRIBED: { http: 404, retry: 'never', text: 'No such subscription exists on this connection.' },
  ALREADY_SUBSCRIBED: { http: 409, retry: 'never', text: 'The subscription id is already in use on this connection.' },
  STALE_REGISTRATION: {
    http: 409,
    retry: 'same',
    text: 'A newer stamp is held for this registerId; publish again with that timestamp and version + 1.',
  },
  READ_ONLY: {
    http: 503,
    retry: 'same',
    text: 'The registry is read-only just now: what is published stays, nothing new is taken and nothing removed.',
  },
  BLACKLISTED: {
    http: 403,
    retry: 'never',
    text: 'Operators have switched the name off: nothing new is published under it.',
  },
  UNAUTHORIZED: {
    http: 401,
    retry: 'never',
    text: 'This takes an admin token: in the header "Authorization: Bearer <token>", over RPC in the field token.',
  },
  NO_LEADER: { http: 503, retry: 'same', text: 'The slot has no reachable leader just now.' },
  NOT_LEADER: { http: 503, retry: 'elsewhere', text: 'This server does not lead the slot at this epoch.' },
  NOT_READY: { http: 503, retry: 'same', text: 'The server is starting and not ready to serve.' },
  NOT_MEMBER: { http: 409, retry: 'same', text: 'The incarnation is not a member of the cluster; it joins anew.' },
  NO_ENDPOINT: { http: 503, retry: 'same', text: 'No live endpoint of the service is known or can be reached.' },
  PENDING: { http: 503, retry: 'same', text: 'The answer is not complete yet.' },
  TOO_MANY_CONNECTIONS: {
    http: 429,
    retry: 'elsewhere',
    text: 'This address has all the connections to this server that it may have.',
  },
  OVERLOADED: { http: 503, retry: 'elsewhere', text: 'A limit of this server is reached.' },
  NOT_DURABLE: {
    http: 503,
    retry: 'same',
    text: 'The change is not on every disk that it must be on yet; it may still come to that. Repeat it.',
  },
  DEADLINE_EXCEEDED: { http: 504, retry: 'same', text: 'No answer came within the deadline.' },
  OUTCOME_UNKNOWN: {
    http: 504,
    retry: 'same',
    text: 'Whether the change was made is not known; it may still be. Look before repeating it.',
  },
  CONNECTION_CLOSED: { http: 503, retry: 'elsewhere', text: 'The connection closed before the answer came.' },
  SHUTTING_DOWN: { http: 503, retry: 'elsewhere', text: 'The server or client is closing.' },
  INVALID_CONFIGURATION: { http: 500, retry: 'never', text: 'A setting is missing or wrong.' },
  INVALID_BACKUP: { http: 500, retry: 'never', text: 'The backup is damaged, or not of a form known here.' },
  SUPERSEDED: { http: 500, retry: 'never', text: 'The group of this meta server has gone on without it.' },
  STORE_LOCKED: { http: 500, retry: 'never', text: 'The data folder is in use by another process.' },
  STORE_FAILED: { http: 500, retry: 'never', text: 'The data folder cannot be read or written.' },
  STORE_CORRUPT: { http: 500, retry: 'never', text: 'The data folder holds records that fail their checksum.' },
  INTERNAL: { http: 500, retry: 'same', text: 'A defect in the server; its log has the details.' },
} as const satisfies Record<string, { http: number; retry: Retry; text: string }>;

export type Retry = 'never' | 'same' | 'elsewhere';
export type Code = keyof typeof CODES;

/** How a failure travels: over RPC as the error of a response, over HTTP as the JSON body. */
export interface Failure {
  code: Code;
  message: string;
  retryAfterMs?: number;
  details?: Record<string, unknown>;
}

/** The one error class. Cores return failures; edges throw this. */
export class RegistryError extends Error {
  readonly code: Code;
  readonly retry: Retry;
  readonly retryAfterMs?: number;
  readonly details?: Record<string, unknown>;

  constructor(
    code: Code,
    message?: string,
    options: { retryAfterMs?: number; details?: Record<string, unknown>; cause?: unknown } = {},
  ) {
    super(message ?? CODES[code].text, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'RegistryError';
    this.code = code;
    this.retry = CODES[code].retry;
    if (options.retryAfterMs !== undefined) this.retryAfterMs = options.retryAfterMs;
    if (options.details !== undefined) this.details = options.details;
  }

  toFailure(): Failure {
    return {
      code: this.code,
      message: this.message,
      ...(this.retryAfterMs === undefined ? {} : { retryAfterMs: this.retryAfterMs }),
      ...(this.details === undefined ? {} : { details: this.details }),
    };
  }

  static from(failure: Failure): RegistryError {
    return new RegistryError(isCode(failure.code) ? failure.code : 'INTERNAL', failure.message, failure);
  }
}

export function isCode(value: unknown): value is Code {
  return typeof value === 'string' && Object.hasOwn(CODES, value);
}

export function failure(code: Code, message?: string, extra: Omit<Failure, 'code' | 'message'> = {}): Failure {
  return { code, message: message ?? CODES[code].text, ...extra };
}
