import { Controller, Delete, Get, Header, HttpCode, Inject, Post, Req } from '@nestjs/common';
import { RegistryError } from '#model';
import type { Asked, Siblings } from '#nest';
import { Described } from '#nest';
import type { DrainStatus } from '#registry';
import type { SessionHost } from '../session.host.js';

const api = () => import('./drain.api.js');

export const SIBLINGS = Symbol('Siblings');

/**
 * Sends the clients of this session server to others, before it is stopped: those of all its workers, or of the one over whose
 * own port it is asked.
 */
@Controller('v1/drain')
export class DrainController {
  constructor(@Inject(SIBLINGS) private readonly siblings: Siblings) {}

  /** How far it is. */
  @Get()
  @Described(api, 'readDrain')
  @Header('cache-control', 'no-store')
  read(@Req() asked: Asked): Promise<DrainStatus> {
    return this.all('drain-status', asked);
  }

  /** Answered when it has begun. */
  @Post()
  @Described(api, 'drain')
  @HttpCode(200)
  async drain(@Req() asked: Asked): Promise<DrainStatus> {
    const { draining, elsewhere } = await this.all('drain-status', asked);
    if (!draining && elsewhere === 0)
      throw new RegistryError('NOT_DRAINABLE', 'There is no other session server to which clients could go.');
    return this.all('drain', asked);
  }

  /** It takes clients again. Also a success where it was not drained. */
  @Delete()
  @Described(api, 'undrain')
  undo(@Req() asked: Asked): Promise<DrainStatus> {
    return this.all('undrain', asked);
  }

  private async all(about: string, asked: Asked): Promise<DrainStatus> {
    const answers = (await this.siblings.ask(about, asked)) as DrainStatus[];
    if (answers.length === 0) throw new RegistryError('NOT_READY');
    return combined(answers);
  }
}

/** What each process answers to the others about its drain. */
export function answerDrains(siblings: Siblings, host: SessionHost): void {
  siblings.answer('drain-status', (leaving) => host.drainStatus(leaving));
  siblings.answer('drain', (leaving) => {
    void host.drain(leaving);
    return host.drainStatus(leaving);
  });
  siblings.answer('undrain', (leaving) => {
    host.undrain();
    return host.drainStatus(leaving);
  });
}

function combined(all: readonly DrainStatus[]): DrainStatus {
  const sum = (of: (status: DrainStatus) => number): number => all.reduce((total, status) => total + of(status), 0);
  return {
    draining: all.every(({ draining }) => draining),
    clients: sum(({ clients }) => clients),
    untold: sum(({ untold }) => untold),
    elsewhere: Math.min(...all.map(({ elsewhere }) => elsewhere)),
    safeToStop: all.every(({ safeToStop }) => safeToStop),
  };
}
