import { Controller, type DynamicModule, Get, Header, Inject, Module } from '@nestjs/common';
import { type Metric, Registry } from 'prom-client';

/** `/metrics`, in the text format of Prometheus. */
@Controller('metrics')
class MetricsController {
  constructor(@Inject(Registry) private readonly registry: Registry) {}

  @Get()
  @Header('content-type', Registry.PROMETHEUS_CONTENT_TYPE)
  @Header('cache-control', 'no-store')
  metrics(): Promise<string> {
    return this.registry.metrics();
  }
}

@Module({})
export class MetricsModule {
  /** @param metrics registered nowhere else, each with a `collect` that reads it when it is asked for */
  static forRoot(metrics: readonly Metric[]): DynamicModule {
    const registry = new Registry();
    for (const metric of metrics) registry.registerMetric(metric);
    return {
      module: MetricsModule,
      controllers: [MetricsController],
      providers: [{ provide: Registry, useValue: registry }],
    };
  }
}
