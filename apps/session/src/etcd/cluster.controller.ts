import { Controller, Inject } from '@nestjs/common';
import { GrpcMethod } from '@nestjs/microservices';
import { ETCD_CODES, EtcdError, type EtcdStore } from '#etcd';
import { header } from './answers.js';
import { ETCD_STORE, EtcdCalls } from './etcd-calls.js';
import { ETCD_MEMBERS, type EtcdMembers } from './members.js';

/** The version of etcd whose answers these are. */
const VERSION = '3.4.0';

/** Who serves, and how it is. */
@Controller()
@EtcdCalls()
export class ClusterController {
  constructor(
    @Inject(ETCD_STORE) private readonly store: EtcdStore,
    @Inject(ETCD_MEMBERS) private readonly members: EtcdMembers,
  ) {}

  /** There is nobody to be, as in an etcd whose authentication is off; clients go on without a token then. */
  @GrpcMethod('Auth', 'Authenticate')
  authenticate(): never {
    throw new EtcdError('AUTH_NOT_ENABLED');
  }

  /** Each session server is as good as any other, so whoever is asked leads. */
  @GrpcMethod('Maintenance', 'Status')
  status(): object {
    const { header: head, isServing } = this.store.status();
    const { memberId, revision, raftTerm } = head;
    return {
      header: header(head),
      version: VERSION,
      ...{ dbSize: '0', dbSizeInUse: '0', isLearner: false },
      ...{ leader: String(memberId), raftTerm: String(raftTerm) },
      ...{ raftIndex: String(revision), raftAppliedIndex: String(revision) },
      errors: isServing ? [] : [ETCD_CODES.UNAVAILABLE.text],
    };
  }

  @GrpcMethod('Cluster', 'MemberList')
  async memberList(): Promise<object> {
    const { header: head } = this.store.status();
    const members = await this.members.list();
    return {
      header: header(head),
      members: members.map(({ id, name, address }) => ({
        ...{ ID: String(id), name, isLearner: false },
        ...{ peerURLs: [`http://${address}`], clientURLs: [`http://${address}`] },
      })),
    };
  }
}
