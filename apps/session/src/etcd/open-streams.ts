import { EtcdError } from '#etcd';
import { type GrpcFailure, grpcFailure } from './failures.js';

/** The part of a call that ends it. */
export interface EndableCall {
  emit(event: 'error', failure: GrpcFailure): boolean;
  once(event: 'close', listener: () => void): unknown;
}

/** Streams that clients leave open for as long as they live. A server that goes ends them, so that clients go elsewhere. */
export class OpenStreams {
  private readonly calls = new Set<EndableCall>();

  add(call: EndableCall): void {
    this.calls.add(call);
    call.once('close', () => this.calls.delete(call));
  }

  get count(): number {
    return this.calls.size;
  }

  end(): void {
    for (const call of this.calls) call.emit('error', grpcFailure(new EtcdError('SHUTTING_DOWN')));
    this.calls.clear();
  }
}
