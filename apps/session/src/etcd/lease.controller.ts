import { Controller, Inject } from '@nestjs/common';
import { GrpcMethod, GrpcStreamCall } from '@nestjs/microservices';
import type { EtcdStore } from '#etcd';
import { header } from './answers.js';
import { ETCD_STORE, EtcdCalls } from './etcd-calls.js';
import { EtcdErrorFilter } from './failures.js';
import { KeepAliveStream, type KeepAliveCall } from './keep-alive-stream.js';
import type { LeaseGrantMessage, LeaseMessage, TimeToLiveMessage } from './messages.js';
import { OpenStreams } from './open-streams.js';

/** Leases, which any session server grants, renews and revokes. */
@Controller()
@EtcdCalls()
export class LeaseController {
  constructor(
    @Inject(ETCD_STORE) private readonly store: EtcdStore,
    @Inject(OpenStreams) private readonly streams: OpenStreams,
    @Inject(EtcdErrorFilter) private readonly errors: EtcdErrorFilter,
  ) {}

  @GrpcMethod('Lease', 'LeaseGrant')
  async grant({ ID, TTL }: LeaseGrantMessage): Promise<object> {
    const answer = await this.store.grant({ id: BigInt(ID), ttlS: BigInt(TTL) });
    return { header: header(answer.header), ID: String(answer.id), TTL: String(answer.ttlS) };
  }

  @GrpcMethod('Lease', 'LeaseRevoke')
  async revoke({ ID }: LeaseMessage): Promise<object> {
    return { header: header((await this.store.revoke(BigInt(ID))).header) };
  }

  @GrpcStreamCall('Lease', 'LeaseKeepAlive')
  keepAlive(call: KeepAliveCall): void {
    this.streams.add(call);
    new KeepAliveStream(call, this.store, (error) => this.errors.failureOf(error)).open();
  }

  @GrpcMethod('Lease', 'LeaseTimeToLive')
  async timeToLive({ ID, keys }: TimeToLiveMessage): Promise<object> {
    const answer = await this.store.timeToLive(BigInt(ID), { keys });
    return {
      header: header(answer.header),
      ...{ ID: String(answer.id), TTL: String(answer.ttlS), grantedTTL: String(answer.grantedTtlS) },
      keys: answer.keys,
    };
  }

  @GrpcMethod('Lease', 'LeaseLeases')
  async leases(): Promise<object> {
    const { header: head, ids } = await this.store.leases();
    return { header: header(head), leases: ids.map((id) => ({ ID: String(id) })) };
  }
}
