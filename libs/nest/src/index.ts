export * from './config/index.js';
export { CoreRunner, type CoreRunnerOptions, type HostEffect } from './host/core-runner.js';
export { realEnv } from './host/env.js';
export { type LogFields, type Logger, type LoggerOptions, createLogger } from './host/logger.js';
export { NestLogger } from './host/nest-logger.js';
export { HealthModule, type Readiness } from './health/health.module.js';
export { describeFailure } from './process/describe-failure.js';
export { type RunServerOptions, type RunningServer, runServer } from './process/run-server.js';
