import {
  Controller,
  type DynamicModule,
  Get,
  Header,
  Inject,
  Module,
  Req,
  ServiceUnavailableException,
} from '@nestjs/common';
import { type HealthCheckResult, HealthCheckService, HealthIndicatorService, TerminusModule } from '@nestjs/terminus';
import { type Check, RegistryError, missingOf } from '#model';
import { Described } from '../openapi/described.js';
import type { Asked } from '../workers/siblings.js';
import type { Probes } from './probes.js';

const api = () => import('./health.api.js');

const PROBES = Symbol('RollcallProbes');

interface Healthy {
  status: 'ok';
  checks: HealthCheckResult['details'];
}

/**
 * `/health/live`: the process answers, so do not restart it. `/health/startup`: it has started. `/health/ready`: it serves, so
 * send it work; until then 503 with what it waits for, in the one shape that errors have.
 */
@Controller('health')
class HealthController {
  constructor(
    @Inject(PROBES) private readonly probes: Probes,
    @Inject(HealthCheckService) private readonly health: HealthCheckService,
    @Inject(HealthIndicatorService) private readonly indicators: HealthIndicatorService,
  ) {}

  @Get('live')
  @Described(api, 'readLiveness')
  @Header('cache-control', 'no-store')
  live(): { status: 'ok' } {
    return { status: 'ok' };
  }

  @Get('startup')
  @Described(api, 'readStartup')
  @Header('cache-control', 'no-store')
  async startup(@Req() asked: Asked): Promise<Healthy> {
    return this.judge(await this.probes.startup(asked));
  }

  @Get('ready')
  @Described(api, 'readReadiness')
  @Header('cache-control', 'no-store')
  async ready(@Req() asked: Asked): Promise<Healthy> {
    return this.judge(await this.probes.ready(asked));
  }

  private async judge(checks: readonly Check[]): Promise<Healthy> {
    const indicators = checks.map(({ name, waitingFor }) => {
      const indicator = this.indicators.check(name);
      return () => (waitingFor === undefined ? indicator.up() : indicator.down({ waitingFor }));
    });
    try {
      const { details } = await this.health.check(indicators);
      return { status: 'ok', checks: details };
    } catch (error) {
      if (!(error instanceof ServiceUnavailableException)) throw error;
      const { details } = error.getResponse() as HealthCheckResult;
      const waitingFor = missingOf(checks);
      throw new RegistryError('NOT_READY', `Waiting for ${waitingFor}.`, { details: { waitingFor, checks: details } });
    }
  }
}

@Module({})
export class HealthModule {
  static forRoot(probes: Probes): DynamicModule {
    return {
      module: HealthModule,
      // What is not ready says so on each probe, which is no line in the log.
      imports: [TerminusModule.forRoot({ logger: false })],
      controllers: [HealthController],
      providers: [{ provide: PROBES, useValue: probes }],
    };
  }
}
