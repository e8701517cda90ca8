import { type DynamicModule, Module } from '@nestjs/common';
import type { EtcdStore } from '#etcd';
import { ClusterController } from './cluster.controller.js';
import { ETCD_STORE } from './etcd-calls.js';
import { ETCD_REPORT, EtcdErrorFilter } from './failures.js';
import { KvController } from './kv.controller.js';
import { LeaseController } from './lease.controller.js';
import { ETCD_MEMBERS, type EtcdMembers } from './members.js';
import { OpenStreams } from './open-streams.js';
import { RefusedController } from './refused.controller.js';
import { WatchController } from './watch.controller.js';

export interface EtcdOptions {
  store: EtcdStore;
  members: EtcdMembers;
  /** Shared with the server, which ends them when it goes. */
  streams: OpenStreams;
  /** Takes what is nobody's answer but a defect. */
  report(error: unknown): void;
}

/** What {@link EtcdServer} serves. */
@Module({})
export class EtcdModule {
  static forRoot({ store, members, streams, report }: EtcdOptions): DynamicModule {
    return {
      module: EtcdModule,
      controllers: [KvController, WatchController, LeaseController, ClusterController, RefusedController],
      providers: [
        { provide: ETCD_STORE, useValue: store },
        { provide: ETCD_MEMBERS, useValue: members },
        { provide: OpenStreams, useValue: streams },
        { provide: ETCD_REPORT, useValue: report },
        EtcdErrorFilter,
      ],
    };
  }
}
