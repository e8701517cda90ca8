import type { DataInfoId } from '#model';
import type { ClientEvent } from '#registry';

type CallEvent = ClientEvent & { type: 'republish' | 'unpublish' };

/**
 * Dispatches the event that `make` makes for a fresh call number; resolves or rejects as the call is settled, with the id of
 * the trace if it asked for one.
 */
export type Call = (make: (call: number) => CallEvent) => Promise<string | undefined>;

/** One registration of this process. It lives until it is unpublished or its client is closed, whatever servers do. */
export class Publisher {
  /** Of what was last published with `trace`, for `GET /v1/traces/{traceId}` of any session server. */
  traceId: string | undefined;
  /** @internal set by the client */
  onUnpublish: () => void = () => {};
  private ending: Promise<void> | undefined;

  constructor(
    readonly registerId: string,
    readonly dataInfoId: DataInfoId,
    private readonly number: number,
    private readonly call: Call,
  ) {}

  /** Replaces the data. While servers cannot be reached the promise waits; a later republish overtakes an earlier. */
  async republish(data: readonly string[], { trace = false }: { trace?: boolean } = {}): Promise<void> {
    const own = (Array.isArray(data) ? [...(data as string[])] : data) as string[];
    const made = { publisher: this.number, data: own, ...(trace ? { trace } : {}) };
    const traceId = await this.call((call) => ({ type: 'republish', call, ...made }));
    if (traceId !== undefined) this.traceId = traceId;
  }

  /** Resolves when the registration is gone. Every call answers the same promise. */
  unpublish(): Promise<void> {
    this.onUnpublish();
    return (this.ending ??= this.call((call) => ({ type: 'unpublish', publisher: this.number, call })).then(() => {}));
  }
}
