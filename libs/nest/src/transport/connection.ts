import type { RegistryError } from '#model';
import { plainAddress } from '../config/address.js';
import type { RequestId, ResponsePacket, SharedBody } from '#wire';
import type { RollcallSocket } from './rollcall-socket.js';

/** One client connection, as the handlers of a server see it. */
export class Connection {
  /** Requests and streams that have not ended. */
  inFlight = 0;
  /** With its port. */
  readonly remoteAddress: string;
  /** Without: the address as people write it. */
  readonly remoteHost: string;
  private isClosed = false;
  private readonly closeListeners = new Set<() => void>();
  /** Made when it is first needed, since most connections never back up. */
  private drainListeners: Set<() => void> | undefined;

  constructor(
    /** Unique within the process, never used again. */
    readonly id: number,
    readonly socket: RollcallSocket,
  ) {
    const { remoteAddress = 'unknown', remotePort = 0 } = socket.netSocket;
    this.remoteHost = plainAddress(remoteAddress);
    this.remoteAddress = `${remoteAddress}:${remotePort}`;
    // The one listener for all that hangs on this connection: a hundred streams are a hundred entries in a set, where
    // a hundred listeners on the socket would be a warning about a leak.
    socket.netSocket.once('close', () => this.notifyClosed());
  }

  get closed(): boolean {
    return this.isClosed;
  }

  /** Bytes answered that the peer has not taken. */
  get bufferedBytes(): number {
    return this.socket.framed.bufferedBytes;
  }

  /** True while the peer takes less than is written; `onDrain` says when it has caught up. */
  get backedUp(): boolean {
    return this.socket.framed.backedUp;
  }

  /**
   * Calls `listener` once when the connection has closed; at once if it already has, since a handler that takes its
   * time may come too late. The answer takes the listener off.
   */
  onClose(listener: () => void): () => void {
    if (this.isClosed) {
      listener();
      return () => undefined;
    }
    this.closeListeners.add(listener);
    return () => void this.closeListeners.delete(listener);
  }

  /**
   * Calls `listener` once when the peer has taken everything, soon if it has already; never if the connection closes
   * before.
   */
  onDrain(listener: () => void): () => void {
    const listeners = (this.drainListeners ??= new Set());
    if (listeners.size === 0) this.socket.framed.whenDrained(() => this.notifyDrained());
    listeners.add(listener);
    return () => void listeners.delete(listener);
  }

  /** Sends one answer. Throws FRAME_TOO_LARGE, or what cannot be encoded. */
  respond(packet: ResponsePacket): void {
    this.socket.sendMessage(packet);
  }

  /** Sends an answer whose body was encoded once for many connections. */
  respondShared(id: RequestId, body: SharedBody | Uint8Array): void {
    this.socket.respondShared(id, body);
  }

  /** Sends what is waiting, tells the peer why if there is a reason, and closes. */
  close(reason?: RegistryError): void {
    this.socket.framed.end(reason);
  }

  private notifyDrained(): void {
    const listeners = [...(this.drainListeners ?? [])];
    this.drainListeners = undefined;
    for (const listener of listeners) listener();
  }

  private notifyClosed(): void {
    this.isClosed = true;
    const listeners = [...this.closeListeners];
    this.closeListeners.clear();
    this.drainListeners = undefined;
    for (const listener of listeners) listener();
  }
}
