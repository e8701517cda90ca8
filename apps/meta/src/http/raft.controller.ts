import {
  Body,
  Controller,
  Delete,
  Get,
  Header,
  HttpCode,
  Inject,
  Param,
  Post,
  Query,
  StreamableFile,
} from '@nestjs/common';
import { RegistryError, isPlainObject } from '#model';
import { Access, Described, RequestId } from '#nest';
import { readConsistency } from '#registry';
import { MetaHost } from '../meta.host.js';
import { Backups } from '../raft/backup.js';
import { RaftAdministration, type RaftAnswer, type RaftRequest } from '../raft/administration.js';

const api = () => import('./raft.api.js');

/** The Raft group of the meta servers, for people and scripts. Everything but status and snapshot is the leader's. */
@Controller('v1/raft')
export class RaftController {
  constructor(
    @Inject(MetaHost) private readonly host: MetaHost,
    @Inject(RaftAdministration) private readonly administration: RaftAdministration,
    @Inject(Backups) private readonly backups: Backups,
  ) {}

  /** What this one node knows; on a node that does not lead it may be old. */
  @Get('status')
  @Described(api, 'readRaftStatus')
  @Header('cache-control', 'no-store')
  status(): object {
    const { failure, ...status } = this.host.raftStatus;
    return { ...status, leader: status.leader ?? null, ...(failure && { failure: failure.toFailure() }) };
  }

  @Post('learners')
  @Described(api, 'addLearner')
  @HttpCode(200)
  addLearner(@Body() body: unknown, @RequestId() requestId: string): Promise<RaftAnswer> {
    return this.request('addLearner', body, requestId);
  }

  /** A learner that has caught up becomes a voter. */
  @Post('voters')
  @Described(api, 'promoteLearner')
  @HttpCode(200)
  promote(@Body() body: unknown, @RequestId() requestId: string): Promise<RaftAnswer> {
    return this.request('promote', body, requestId);
  }

  @Delete('members/:node')
  @Described(api, 'removeNode')
  remove(@Param('node') node: string, @RequestId() requestId: string): Promise<RaftAnswer> {
    return this.request('remove', { node }, requestId);
  }

  @Post('leader')
  @Described(api, 'transferLeadership')
  @HttpCode(200)
  transfer(@Body() body: unknown, @RequestId() requestId: string): Promise<RaftAnswer> {
    return this.request('transfer', body, requestId);
  }

  /** On the node that is asked, and on no other. */
  @Post('snapshot')
  @Described(api, 'takeSnapshot')
  @HttpCode(200)
  async snapshot(): Promise<object> {
    return { index: await this.administration.snapshotNow() };
  }

  /**
   * The replicated state as one file, from the state of the node that is asked: everything acknowledged before the request
   * is in it, unless `consistency=stale` lets a node answer that cannot ask a leader. Who has it has everything.
   */
  @Get('backup')
  @Described(api, 'readBackup')
  @Access('admin')
  @Header('cache-control', 'no-store')
  async backup(@Query() query: unknown): Promise<StreamableFile> {
    const { name, bytes } = await this.backups.take(readConsistency(query));
    const disposition = `attachment; filename="${name}"`;
    return new StreamableFile(bytes, { type: 'application/octet-stream', disposition, length: bytes.length });
  }

  private async request(type: RaftRequest['type'], body: unknown, requestId: string): Promise<RaftAnswer> {
    if (!isPlainObject(body))
      throw new RegistryError('BAD_REQUEST', 'The body must be an object with the field node.', {
        details: { field: 'node' },
      });
    return this.administration.request({ type, node: body.node }, requestId);
  }
}
