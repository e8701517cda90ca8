import { Controller, Inject } from '@nestjs/common';
import { GrpcStreamCall } from '@nestjs/microservices';
import { EtcdError, type EtcdStore } from '#etcd';
import { ETCD_STORE, EtcdCalls } from './etcd-calls.js';
import { grpcFailure } from './failures.js';
import type { WatchMessage } from './messages.js';
import { type EndableCall, OpenStreams } from './open-streams.js';
import { WatchStream } from './watch-stream.js';

/** The part of a call that watches need. */
interface WatchCall extends EndableCall {
  readonly writable: boolean;
  on(event: 'data', listener: (message: WatchMessage) => void): unknown;
  on(event: 'end' | 'close' | 'cancelled', listener: () => void): unknown;
  write(message: object, done: () => void): boolean;
  end(): unknown;
}

/**
 * What may wait for a client that reads less than is told. Above it its stream ends; it comes back with the revision up to
 * which it knows everything, and has missed nothing unless that has become too old meanwhile.
 */
const MAX_WAITING_BYTES = 16 * 1024 * 1024;

@Controller()
@EtcdCalls()
export class WatchController {
  constructor(
    @Inject(ETCD_STORE) private readonly store: EtcdStore,
    @Inject(OpenStreams) private readonly streams: OpenStreams,
  ) {}

  @GrpcStreamCall('Watch', 'Watch')
  watch(call: WatchCall): void {
    this.streams.add(call);
    let waitingBytes = 0;
    const fail = (error: EtcdError): void => {
      if (call.writable) call.emit('error', grpcFailure(error));
    };
    const stream = new WatchStream(this.store, {
      send: (message, bytes) => {
        if (!call.writable) return;
        waitingBytes += bytes;
        call.write(message, () => (waitingBytes -= bytes));
        if (waitingBytes > MAX_WAITING_BYTES)
          fail(new EtcdError('UNAVAILABLE', 'rollcall: the stream is read too slowly'));
      },
      stop: () => fail(new EtcdError('SHUTTING_DOWN')),
    });
    call.on('data', (message) => stream.receive(message));
    call.on('end', () => {
      stream.close();
      if (call.writable) call.end();
    });
    for (const event of ['close', 'cancelled'] as const) call.on(event, () => stream.close());
  }
}
