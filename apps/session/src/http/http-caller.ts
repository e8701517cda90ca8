import { HTTP_CALLERS, type SessionReply, type SessionRequest } from '#registry';
import type { ConnectionSink, SessionHost } from '../session.host.js';

const NOTHING: ConnectionSink = { push() {}, notice() {}, close() {} };

/**
 * Requests over HTTP that have one answer. They share one connection of the core, since nothing they do hangs on it.
 * After the core has begun anew the connection is made anew.
 */
export class HttpCaller {
  private connection: number | undefined;

  constructor(private readonly host: SessionHost) {}

  request(request: SessionRequest): Promise<SessionReply> {
    this.connection ??= this.host.connect(HTTP_CALLERS, { ...NOTHING, close: () => (this.connection = undefined) });
    return this.host.request(this.connection, request);
  }
}
