import { type DynamicModule, Inject, Module, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Env } from '#model';
import type { EdgeContext } from '#registry';
import type { ClusterLists } from '../http/cluster-lists.js';
import type { HttpCaller } from '../http/http-caller.js';
import type { SessionHost } from '../session.host.js';
import { AppsWatch } from './apps-watch.js';
import { ClusterNames } from './cluster-names.js';
import { EurekaRegistry } from './eureka-registry.js';
import { EurekaController } from './eureka.controller.js';

/** What it does is what the session server does for everybody over HTTP. */
export interface EurekaOptions {
  host: SessionHost;
  caller: HttpCaller;
  edge: EdgeContext;
  lists: ClusterLists;
  env: Env;
}

/** `/eureka`, where the settings have it. */
@Module({})
export class EurekaModule implements OnModuleInit, OnModuleDestroy {
  constructor(
    @Inject(HttpAdapterHost) private readonly adapter: HttpAdapterHost,
    @Inject(AppsWatch) private readonly watch: AppsWatch,
  ) {}

  static forRoot({ host, caller, edge, lists, env }: EurekaOptions): DynamicModule {
    const watch = new AppsWatch(host, new ClusterNames(lists, env), env);
    const registry = new EurekaRegistry(caller, edge, watch, () => host.clocks.wallMs);
    return {
      module: EurekaModule,
      controllers: [EurekaController],
      providers: [
        { provide: AppsWatch, useValue: watch },
        { provide: EurekaRegistry, useValue: registry },
      ],
    };
  }

  /**
   * XML is read where it is known what it is to say. Some clients name a type of a body that they do not send, as with renewals;
   * Eureka does not mind.
   */
  onModuleInit(): void {
    const fastify = this.adapter.httpAdapter.getInstance<FastifyInstance>();
    fastify.addHook('onRequest', (request, _reply, done) => {
      if (request.url.startsWith('/eureka/') && isWithoutBody(request.headers)) delete request.headers['content-type'];
      done();
    });
    const types = ['application/xml', 'text/xml'];
    fastify.addContentTypeParser(types, { parseAs: 'string' }, (_request, body, done) => done(null, body));
  }

  onModuleDestroy(): void {
    this.watch.rest();
  }
}

function isWithoutBody(headers: FastifyRequest['headers']): boolean {
  return Number(headers['content-length'] ?? 0) === 0 && headers['transfer-encoding'] === undefined;
}
