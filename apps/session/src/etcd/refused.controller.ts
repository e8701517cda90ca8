import { Controller } from '@nestjs/common';
import { GrpcMethod } from '@nestjs/microservices';
import { EtcdError } from '#etcd';
import { EtcdCalls } from './etcd-calls.js';
import { noneOf } from './requests.js';

/**
 * Whoever holds a lock or is elected here could find that another is, too: keys are replicated asynchronously. So these are refused
 * rather than broken silently. Whatever else is not served is answered by gRPC itself.
 */
@Controller()
@EtcdCalls()
export class RefusedController {
  @GrpcMethod('Lock', 'Lock')
  lock(): never {
    return refuse('locks');
  }

  @GrpcMethod('Lock', 'Unlock')
  unlock(): never {
    return refuse('locks');
  }

  @GrpcMethod('Election', 'Campaign')
  campaign(): never {
    return refuse('elections');
  }

  @GrpcMethod('Election', 'Proclaim')
  proclaim(): never {
    return refuse('elections');
  }

  @GrpcMethod('Election', 'Leader')
  leader(): never {
    return refuse('elections');
  }

  @GrpcMethod('Election', 'Observe')
  observe(): never {
    return refuse('elections');
  }

  @GrpcMethod('Election', 'Resign')
  resign(): never {
    return refuse('elections');
  }
}

function refuse(what: 'locks' | 'elections'): never {
  throw new EtcdError('NOT_SERVED', noneOf(what));
}
