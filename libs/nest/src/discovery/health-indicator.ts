import { Inject, Injectable } from '@nestjs/common';
import { RegistryClient } from '#client';
import { Registration } from './registration.js';

export interface RegistryHealthOptions {
  /**
   * Whether losing the registry counts as being down. By default it does not: the application goes on with what it knows,
   * and taking it down because something else is would only make it worse.
   */
  strict?: boolean;
}

/** What terminus expects of an indicator, without needing terminus. */
export type RegistryHealth = Record<string, { status: 'up' | 'down'; [detail: string]: unknown }>;

/**
 * For `@nestjs/terminus`: `health.check([() => registry.check('registry')])`. Up as soon as the registry has been reached
 * and has everything that the application registers of itself.
 */
@Injectable()
export class RegistryHealthIndicator {
  constructor(
    @Inject(RegistryClient) private readonly client: RegistryClient,
    @Inject(Registration) private readonly registration: Registration,
  ) {}

  check(key = 'registry', { strict = false }: RegistryHealthOptions = {}): Promise<RegistryHealth> {
    const { state, since, reason, server, lastFailure } = this.client.status;
    const { published, wanted } = this.registration.count;
    const isServed = state === 'ready' || (state === 'degraded' && !strict);
    return Promise.resolve({
      [key]: {
        status: isServed && published === wanted ? 'up' : 'down',
        ...{ state, reason, since: since.toISOString(), registered: published, toRegister: wanted },
        ...(server === undefined ? {} : { server }),
        ...(lastFailure === undefined ? {} : { lastFailure }),
      },
    });
  }
}
