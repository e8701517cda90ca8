import { Controller, type DynamicModule, Get, Header, Inject, Module, Req, Res } from '@nestjs/common';
import { type Failure, failure } from '#model';
import { Described } from '../openapi/described.js';
import type { Asked } from '../workers/siblings.js';

const api = () => import('./health.api.js');

/** Whether this process serves; when not, in a few words what it waits for. */
export interface Readiness {
  ready: boolean;
  waitingFor?: string;
}

/** @param asked who wants to know; a server with workers tells of all or of one by it */
export type ReadReadiness = (asked: Asked) => Readiness | Promise<Readiness>;

const READY = Symbol('RollcallReadiness');

/** The part of an HTTP reply that is needed here; Fastify's and Express's both have it. */
interface Reply {
  status(code: number): unknown;
}

/**
 * `/health/live`: the process answers, so do not restart it. `/health/ready`: it serves, so send it work; until then 503
 * with what it waits for, in the one shape that errors have.
 */
@Controller('health')
class HealthController {
  constructor(@Inject(READY) private readonly readiness: ReadReadiness) {}

  @Get('live')
  @Described(api, 'readLiveness')
  @Header('cache-control', 'no-store')
  live(): { status: 'ok' } {
    return { status: 'ok' };
  }

  @Get('ready')
  @Described(api, 'readReadiness')
  @Header('cache-control', 'no-store')
  async ready(@Req() asked: Asked, @Res({ passthrough: true }) reply: Reply): Promise<{ status: 'ok' } | Failure> {
    const { ready, waitingFor } = await this.readiness(asked);
    if (ready) return { status: 'ok' };
    reply.status(503);
    return waitingFor === undefined
      ? failure('NOT_READY')
      : failure('NOT_READY', `Waiting for ${waitingFor}.`, { details: { waitingFor } });
  }
}

@Module({})
export class HealthModule {
  static forRoot(ready: ReadReadiness): DynamicModule {
    return {
      module: HealthModule,
      controllers: [HealthController],
      providers: [{ provide: READY, useValue: ready }],
    };
  }
}
