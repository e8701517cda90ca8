import type { DataInfoId } from '#model';
import type { ClientEvent } from '#registry';

type CallEvent = ClientEvent & { type: 'republish' | 'unpublish' };

/** Dispatches the event that `make` makes for a fresh call number; resolves or rejects as the call is settled. */
export type Call = (make: (call: number) => CallEvent) => Promise<void>;

/** One registration of this process. It lives until it is unpublished or its client is closed, whatever servers do. */
export class Publisher {
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
  republish(data: readonly string[]): Promise<void> {
    const own = Array.isArray(data) ? [...(data as string[])] : data;
    return this.call((call) => ({ type: 'republish', publisher: this.number, call, data: own as string[] }));
  }

  /** Resolves when the registration is gone. Every call answers the same promise. */
  unpublish(): Promise<void> {
    this.onUnpublish();
    return (this.ending ??= this.call((call) => ({ type: 'unpublish', publisher: this.number, call })));
  }
}
