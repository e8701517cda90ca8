import { Controller, type DynamicModule, Get, Header, Inject, Module } from '@nestjs/common';
import { MessagePattern } from '@nestjs/microservices';
import { ABOUT_PATTERN, type About, VERSION } from '#model';
import { Access } from '../admin/access.js';
import type { Config } from '../config/load.js';
import { Described } from '../openapi/described.js';

const ABOUT = Symbol('RollcallAbout');

/** Who answers here. Over RPC too, since that is all that is known of some servers, such as the voters of meta. */
@Controller()
class AboutController {
  constructor(@Inject(ABOUT) private readonly about: () => About) {}

  @Get('version')
  @Described(() => import('./about.api.js'), 'readVersion')
  @Header('cache-control', 'no-store')
  version(): About {
    return this.about();
  }

  @Access('open')
  @MessagePattern(ABOUT_PATTERN)
  asked(): About {
    return this.about();
  }
}

@Module({})
export class AboutModule {
  static forRoot(about: () => About): DynamicModule {
    return {
      module: AboutModule,
      controllers: [AboutController],
      providers: [{ provide: ABOUT, useValue: about }],
    };
  }
}

export interface Told {
  config: Pick<Config, 'tier' | 'cluster'>;
  featureLevel: number;
  host: { identity(): Pick<About, 'incarnation' | 'clusterId'> };
}

/** @param advertised where others reach the server, as far as that is known by then */
export function tellingOf(
  { config, featureLevel, host }: Told,
  advertised: () => Pick<About, 'address' | 'httpAddress' | 'etcdAddress'>,
): () => About {
  const startedMs = performance.now();
  return () => ({
    role: config.tier,
    ...advertised(),
    ...host.identity(),
    version: VERSION,
    featureLevel,
    nodeVersion: process.versions.node,
    wallMs: Date.now(),
    upMs: Math.round(performance.now() - startedMs),
    metaAddresses: config.cluster.metaAddresses,
  });
}
