import type { EtcdStore } from '#etcd';
import { header } from './answers.js';
import type { GrpcFailure } from './failures.js';
import type { LeaseMessage } from './messages.js';
import type { EndableCall } from './open-streams.js';

/** The part of a call that keepalives need. */
export interface KeepAliveCall extends EndableCall {
  readonly writable: boolean;
  on(event: 'data', listener: (message: LeaseMessage) => void): unknown;
  on(event: 'end', listener: () => void): unknown;
  pause(): unknown;
  resume(): unknown;
  write(message: object): boolean;
  end(): unknown;
}

/** Keepalives of one stream that wait for their answer. Above it no more is read, so that one client cannot pile them up. */
const MAX_WAITING = 256;

/**
 * The keepalives of a client, each answered by itself, in whatever order. Where it is not known whether there is such a lease the
 * stream ends, so that the client asks another server.
 */
export class KeepAliveStream {
  private waiting = 0;
  private hasEnded = false;

  constructor(
    private readonly call: KeepAliveCall,
    private readonly store: Pick<EtcdStore, 'keepAlive'>,
    private readonly failureOf: (error: unknown) => GrpcFailure,
  ) {}

  open(): void {
    this.call.on('data', ({ ID }) => void this.answer(BigInt(ID)));
    this.call.on('end', () => {
      this.hasEnded = true;
      this.endIfDone();
    });
  }

  private async answer(id: bigint): Promise<void> {
    if (++this.waiting === MAX_WAITING) this.call.pause();
    try {
      const answer = await this.store.keepAlive(id);
      const message = { header: header(answer.header), ID: String(answer.id), TTL: String(answer.ttlS) };
      if (this.call.writable) this.call.write(message);
    } catch (error) {
      if (this.call.writable) this.call.emit('error', this.failureOf(error));
    }
    if (this.waiting-- === MAX_WAITING) this.call.resume();
    this.endIfDone();
  }

  private endIfDone(): void {
    if (this.hasEnded && this.waiting === 0 && this.call.writable) this.call.end();
  }
}
