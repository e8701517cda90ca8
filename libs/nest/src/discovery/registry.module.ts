import {
  type BeforeApplicationShutdown,
  type DynamicModule,
  type FactoryProvider,
  Inject,
  Injectable,
  Module,
} from '@nestjs/common';
import { RegistryClient, type RegistryClientOptions } from '#client';

const OPTIONS = Symbol('RegistryModuleOptions');

/**
 * Closes the application's registry client in Nest's `beforeApplicationShutdown`, which runs before the application
 * stops listening: subscribers elsewhere learn that this instance leaves while it still answers.
 */
@Injectable()
class RegistryLifecycle implements BeforeApplicationShutdown {
  constructor(@Inject(RegistryClient) private readonly client: RegistryClient) {}

  async beforeApplicationShutdown(): Promise<void> {
    await this.client.close({ drain: true });
  }
}

export interface RegistryModuleAsyncOptions {
  inject?: FactoryProvider['inject'];
  useFactory: (...args: never[]) => RegistryClientOptions | Promise<RegistryClientOptions>;
}

/** Gives a Nest application one {@link RegistryClient}, injectable everywhere by its class. */
@Module({})
export class RegistryModule {
  static forRoot(options: RegistryClientOptions): DynamicModule {
    return RegistryModule.forRootAsync({ useFactory: () => options });
  }

  static forRootAsync(options: RegistryModuleAsyncOptions): DynamicModule {
    return {
      module: RegistryModule,
      global: true,
      providers: [
        {
          provide: OPTIONS,
          useFactory: options.useFactory as FactoryProvider['useFactory'],
          inject: options.inject ?? [],
        },
        {
          provide: RegistryClient,
          useFactory: (clientOptions: RegistryClientOptions) => new RegistryClient(clientOptions),
          inject: [OPTIONS],
        },
        RegistryLifecycle,
      ],
      exports: [RegistryClient],
    };
  }
}
