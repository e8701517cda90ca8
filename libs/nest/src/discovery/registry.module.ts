import { type DynamicModule, type FactoryProvider, Inject, Module } from '@nestjs/common';
import { RegistryClient, type RegistryClientOptions } from '#client';
import { RegistryHealthIndicator } from './health-indicator.js';
import { LIFECYCLE, type LifecycleOptions, Registration, type RegistrationOptions } from './registration.js';

const OPTIONS = Symbol('RegistryModuleOptions');
const DEFAULT_DRAIN_MS = 1_000;

export interface RegistryModuleOptions extends RegistryClientOptions {
  /** What the application publishes of itself once it listens. */
  register?: RegistrationOptions | readonly RegistrationOptions[];
  /**
   * How long the application goes on listening after everything it published has been taken away, so that callers hear of
   * it and requests under way end. Default 1,000.
   */
  drainMs?: number;
}

export interface RegistryModuleAsyncOptions {
  imports?: DynamicModule['imports'];
  inject?: FactoryProvider['inject'];
  useFactory: (...args: never[]) => RegistryModuleOptions | Promise<RegistryModuleOptions>;
}

/** Injects the application's {@link RegistryClient}. */
export const InjectRegistry = (): ParameterDecorator & PropertyDecorator => Inject(RegistryClient);

/**
 * Gives a Nest application one {@link RegistryClient}, injectable everywhere, registers the application after it listens
 * and takes it away before it stops listening; for the latter it needs `app.enableShutdownHooks()`, or `app.close()`.
 */
@Module({})
export class RegistryModule {
  static forRoot(options: RegistryModuleOptions): DynamicModule {
    return RegistryModule.forRootAsync({ useFactory: () => options });
  }

  static forRootAsync(options: RegistryModuleAsyncOptions): DynamicModule {
    return {
      module: RegistryModule,
      global: true,
      imports: options.imports ?? [],
      providers: [
        {
          provide: OPTIONS,
          useFactory: options.useFactory as FactoryProvider['useFactory'],
          inject: options.inject ?? [],
        },
        {
          provide: RegistryClient,
          useFactory: ({ register: _register, drainMs: _drainMs, ...client }: RegistryModuleOptions) =>
            new RegistryClient(client),
          inject: [OPTIONS],
        },
        {
          provide: LIFECYCLE,
          useFactory: ({ register = [], drainMs = DEFAULT_DRAIN_MS }: RegistryModuleOptions): LifecycleOptions => ({
            register: [register].flat(),
            drainMs,
          }),
          inject: [OPTIONS],
        },
        Registration,
        RegistryHealthIndicator,
      ],
      exports: [RegistryClient, RegistryHealthIndicator],
    };
  }
}
