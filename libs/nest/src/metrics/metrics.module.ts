import { Controller, type DynamicModule, Get, Header, Inject, Module, Req } from '@nestjs/common';
import { type Metric, Registry } from 'prom-client';
import { RegistryError } from '#model';
import { Described } from '../openapi/described.js';
import type { Asked, Siblings } from '../workers/siblings.js';
import { type MetricsAsJson, metricsOfAll, workersServing } from './metrics-of-workers.js';

const api = () => import('./metrics.api.js');

/** What workers are asked for their metrics by. */
export const METRICS = 'metrics';
const TEXT = Symbol('RollcallMetrics');

/** `/metrics`, in the text format of Prometheus. */
@Controller('metrics')
class MetricsController {
  constructor(@Inject(TEXT) private readonly text: (asked: Asked) => Promise<string>) {}

  @Get()
  @Described(api, 'readMetrics')
  @Header('content-type', Registry.PROMETHEUS_CONTENT_TYPE)
  @Header('cache-control', 'no-store')
  metrics(@Req() asked: Asked): Promise<string> {
    return this.text(asked);
  }
}

@Module({})
export class MetricsModule {
  /** @param metrics registered nowhere else, each with a `collect` that reads it when it is asked for */
  static forRoot(metrics: readonly Metric[], siblings?: Siblings): DynamicModule {
    const registry = new Registry();
    for (const metric of metrics) registry.registerMetric(metric);
    if (siblings) {
      registry.registerMetric(workersServing());
      siblings.answer(METRICS, () => registry.getMetricsAsJSON());
    }
    const text = (asked: Asked): Promise<string> => (siblings ? textOf(siblings, asked) : registry.metrics());
    return {
      module: MetricsModule,
      controllers: [MetricsController],
      providers: [{ provide: TEXT, useValue: text }],
    };
  }
}

async function textOf(siblings: Siblings, asked: Asked): Promise<string> {
  const workers = (await siblings.ask(METRICS, asked)) as MetricsAsJson[];
  if (workers.length === 0) throw new RegistryError('NOT_READY', 'No worker tells its metrics.');
  return metricsOfAll(workers);
}
