export * from './admin/index.js';
export * from './config/index.js';
export { CoreRunner, type CoreRunnerOptions, type HostEffect } from './host/core-runner.js';
export { type LogFields, type Logger, type LoggerOptions, createLogger } from './host/logger.js';
export { NestLogger } from './host/nest-logger.js';
export { runbookMarkdown } from './host/runbook-markdown.js';
export { HealthModule } from './health/health.module.js';
export type { Probes } from './health/probes.js';
export { type HostDrops, hostMetrics } from './metrics/host-metrics.js';
export { perSlot } from './metrics/per-slot.js';
export { type Observed, histogramOf, histogramsOf } from './metrics/read-histogram.js';
export { type LabelledValue, type MetricOf, byLabel, labelled, metricsOf } from './metrics/read-metrics.js';
export { countedByEnded } from './metrics/metrics-of-workers.js';
export { METRICS } from './metrics/metrics.module.js';
export { PageTurns } from './listing/page-turns.js';
export * from './openapi/index.js';
export type { FromWorker, ToWorker } from './workers/messages.js';
export type { Worker } from './workers/own-ports.js';
export { type Asked, NoSiblings, type Siblings } from './workers/siblings.js';
export { WorkerPool, type WorkerProcess } from './workers/worker-pool.js';
export { WorkerSide } from './workers/worker-side.js';
export { describeFailure } from './process/describe-failure.js';
export { tuneEngine } from './process/engine.js';
export { type RunServerOptions, type RunningServer, runServer } from './process/run-server.js';
export { type ProgramOptions, type ServerProgram, runServerProgram } from './process/server-program.js';
export * from './transport/index.js';
export { DiscoveredClient, type DiscoveredClientOptions } from './discovery/discovered-client.js';
export type { BalancedRequest, Balancer } from './discovery/balancing/balancer.js';
export type { BalancerName } from './discovery/balancing/balancers.js';
export type { OutlierOptions } from './discovery/balancing/outliers.js';
export { type ServiceEndpoint, endpointsOf } from './discovery/service-endpoint.js';
export { RegistryHealthIndicator, type RegistryHealthOptions } from './discovery/health-indicator.js';
export type { RegistrationOptions } from './discovery/registration.js';
export {
  InjectRegistry,
  RegistryModule,
  type RegistryModuleAsyncOptions,
  type RegistryModuleOptions,
} from './discovery/registry.module.js';
export { stopDelayOf } from './host/stop-delay.js';
export { RequestId, REQUEST_ID_HEADER, forRequest, isRequestId, requestBehind } from './requests/request-id.js';
export { type RunningTier, type TierAppOptions, type TierEdge, startTierApp } from './host/tier-app.js';
export * from './links/index.js';
export { refuseTakenAddress } from './host/taken-address.js';
export { MemberHost, type MemberHostOptions, type MemberFolder } from './host/member-host.js';
