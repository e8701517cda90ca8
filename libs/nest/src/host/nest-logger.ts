import type { LoggerService } from '@nestjs/common';
import type { Logger } from './logger.js';

/**
 * Takes Nest's own log: its start-up chatter becomes `debug`, its warnings and errors keep their level, and all of it
 * becomes lines like ours. Pass it as `logger` to NestFactory.create.
 */
export class NestLogger implements LoggerService {
  constructor(private readonly logger: Logger) {}

  log(message: unknown, ...rest: unknown[]): void {
    this.logger.debug('nest', fieldsOf(message, rest));
  }

  debug(message: unknown, ...rest: unknown[]): void {
    this.logger.debug('nest', fieldsOf(message, rest));
  }

  verbose(message: unknown, ...rest: unknown[]): void {
    this.logger.debug('nest', fieldsOf(message, rest));
  }

  warn(message: unknown, ...rest: unknown[]): void {
    this.logger.warn('nest-warning', fieldsOf(message, rest));
  }

  error(message: unknown, ...rest: unknown[]): void {
    // The application logs a port it cannot listen on and throws it too; whoever catches that tells the operator.
    const thrownToo = rest.at(-1) === 'NestApplication' && String(message).startsWith('Error: listen ');
    if (thrownToo) this.logger.debug('nest', fieldsOf(message, rest));
    else this.logger.error('nest-error', fieldsOf(message, rest));
  }

  fatal(message: unknown, ...rest: unknown[]): void {
    this.logger.error('nest-error', fieldsOf(message, rest));
  }
}

/** Nest passes the context last, and for errors the stack before it. */
function fieldsOf(message: unknown, rest: unknown[]): Record<string, unknown> {
  const context = rest.length > 0 ? rest.at(-1) : undefined;
  const stack = rest.length > 1 ? rest[0] : undefined;
  return {
    ...(typeof context === 'string' ? { context } : {}),
    message,
    ...(typeof stack === 'string' ? { stack } : {}),
  };
}
