import { Controller, Inject } from '@nestjs/common';
import { GrpcMethod } from '@nestjs/microservices';
import type { EtcdStore } from '#etcd';
import { deleteRangeMessage, header, putMessage, rangeMessage, txnMessage } from './answers.js';
import { ETCD_STORE, EtcdCalls } from './etcd-calls.js';
import type { DeleteRangeMessage, PutMessage, RangeMessage, TxnMessage } from './messages.js';
import { deleteRangeRequest, putRequest, rangeRequest, txnRequest } from './requests.js';

/** The keys themselves. */
@Controller()
@EtcdCalls()
export class KvController {
  constructor(@Inject(ETCD_STORE) private readonly store: EtcdStore) {}

  @GrpcMethod('KV', 'Range')
  async range(message: RangeMessage): Promise<object> {
    return rangeMessage(await this.store.range(rangeRequest(message)));
  }

  @GrpcMethod('KV', 'Put')
  async put(message: PutMessage): Promise<object> {
    return putMessage(await this.store.put(putRequest(message)));
  }

  @GrpcMethod('KV', 'DeleteRange')
  async deleteRange(message: DeleteRangeMessage): Promise<object> {
    return deleteRangeMessage(await this.store.deleteRange(deleteRangeRequest(message)));
  }

  @GrpcMethod('KV', 'Txn')
  async txn(message: TxnMessage): Promise<object> {
    return txnMessage(await this.store.txn(txnRequest(message)));
  }

  @GrpcMethod('KV', 'Compact')
  async compact(message: { revision: string }): Promise<object> {
    const answer = await this.store.compact(BigInt(message.revision));
    return { header: header(answer.header) };
  }
}
