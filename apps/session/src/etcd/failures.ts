import { status } from '@grpc/grpc-js';
import { Catch, Inject, type RpcExceptionFilter } from '@nestjs/common';
import { type Observable, throwError } from 'rxjs';
import { ETCD_CODES, EtcdError } from '#etcd';

/** Takes what is nobody's answer but a defect. */
export const ETCD_REPORT = Symbol('EtcdReport');

/** A failure as gRPC takes it. */
export interface GrpcFailure {
  code: status;
  details: string;
}

export function grpcFailure({ code, message }: EtcdError): GrpcFailure {
  return { code: status[ETCD_CODES[code].grpc], details: message };
}

/** What a call of etcd fails with; whatever is no failure that a client should be told of is a defect. */
@Catch()
export class EtcdErrorFilter implements RpcExceptionFilter {
  constructor(@Inject(ETCD_REPORT) private readonly report: (error: unknown) => void) {}

  catch(error: unknown): Observable<never> {
    const failure = this.failureOf(error);
    return throwError(() => failure);
  }

  failureOf(error: unknown): GrpcFailure {
    if (error instanceof EtcdError) return grpcFailure(error);
    this.report(error);
    return grpcFailure(new EtcdError('INTERNAL', undefined, { cause: error }));
  }
}
