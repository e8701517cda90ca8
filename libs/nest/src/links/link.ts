import type { LinkEvent, LinkId, PeerHello } from '#model';
import { type BatchItem, IncomingBatches, OutgoingBatches } from './batches.js';

/** One end of a link's connection; dialled and accepted connections both can be one. */
export interface LinkChannel {
  readonly bufferedBytes: number;
  transmit(items: BatchItem[]): void;
  /** Sends what is waiting and closes. */
  close(reason: string): void;
}

/** Numbers links across the process, so that a number means one link. */
let lastLinkId: LinkId = 0;

/** A link that is up: hellos were exchanged. It reports `linkDown` exactly once, and nothing after that. */
export class Link<Received> {
  readonly id: LinkId = ++lastLinkId;
  private up = true;
  private readonly outgoing: OutgoingBatches;
  private readonly incoming: IncomingBatches;

  constructor(
    private readonly channel: LinkChannel,
    private readonly maxBufferedBytes: number,
    private readonly onEvent: (event: LinkEvent<Received>) => void,
  ) {
    this.outgoing = new OutgoingBatches((items) => channel.transmit(items));
    this.incoming = new IncomingBatches(maxBufferedBytes, (message) => {
      if (this.up) onEvent({ type: 'received', link: this.id, message: message as Received });
    });
  }

  announce(direction: 'in' | 'out', address: string, hello: PeerHello): void {
    this.onEvent({ type: 'linkUp', link: this.id, direction, address, hello });
  }

  /**
   * A peer that does not drain loses the link: what is unsent is worthless to it by the time it could have it.
   * @returns false when that has happened
   */
  send(message: unknown): boolean {
    if (!this.up) return true;
    this.outgoing.add(message);
    if (this.outgoing.bytes + this.channel.bufferedBytes <= this.maxBufferedBytes) return true;
    this.hangUp('The peer does not read what is sent to it.');
    return false;
  }

  /** Throws RegistryError for what is not a list of messages. */
  receive(batch: unknown): void {
    if (this.up) this.incoming.receive(batch);
  }

  /** Sends what was sent before, then closes. The `linkDown` follows, but never from within this call. */
  hangUp(reason: string): void {
    if (!this.up) return;
    this.silence(reason);
    queueMicrotask(() => this.onEvent({ type: 'linkDown', link: this.id }));
  }

  /** As `hangUp`, but nobody is told. */
  silence(reason: string): void {
    if (!this.up) return;
    this.outgoing.flush();
    this.up = false;
    this.channel.close(reason);
  }

  /** The connection has closed. */
  lost(): void {
    if (!this.up) return;
    this.up = false;
    this.onEvent({ type: 'linkDown', link: this.id });
  }
}
