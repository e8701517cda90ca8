import { Controller, Delete, Get, Header, HttpCode, Inject, Post } from '@nestjs/common';
import { RegistryError } from '#model';
import type { DrainStatus } from '#registry';
import { SessionHost } from '../session.host.js';

/** Sends the clients of this session server to others, before it is stopped. */
@Controller('v1/drain')
export class DrainController {
  constructor(@Inject(SessionHost) private readonly host: SessionHost) {}

  /** How far it is. */
  @Get()
  @Header('cache-control', 'no-store')
  read(): DrainStatus {
    return this.status();
  }

  /** Answered when it has begun. */
  @Post()
  @HttpCode(200)
  drain(): DrainStatus {
    const { draining, elsewhere } = this.status();
    if (!draining && elsewhere === 0)
      throw new RegistryError('NOT_DRAINABLE', 'There is no other session server to which clients could go.');
    void this.host.drain();
    return this.status();
  }

  /** It takes clients again. Also a success where it was not drained. */
  @Delete()
  undo(): DrainStatus {
    this.host.undrain();
    return this.status();
  }

  private status(): DrainStatus {
    if (!this.host.core) throw new RegistryError('NOT_READY');
    return this.host.core.drain;
  }
}
