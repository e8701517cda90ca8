import type { Env, Member } from '#model';
import { type Config, type Logger, MemberHost, type Readiness } from '#nest';
import { DataCore, type DataEffect, type DataEvent, type FromData, type ToData } from '#registry';
import type { ServerFolder } from '#store';

export interface DataHostOptions {
  config: Config<'data'>;
  env: Env;
  logger: Logger;
  folder: ServerFolder;
  featureLevel: number;
  fail: (error: unknown) => void;
}

/** Runs the brain of a data server. */
export class DataHost extends MemberHost<DataCore, DataEvent, DataEffect, FromData, ToData> {
  private runs: number[] = [];
  private readonly folder: ServerFolder;
  private readonly env: Env;

  constructor({ config, env, logger, folder, featureLevel, fail }: DataHostOptions) {
    super({
      role: 'data',
      config,
      env,
      logger,
      folder,
      featureLevel,
      fail,
      makeCore: (self, saved) =>
        new DataCore({
          self,
          metaAddresses: config.cluster.metaAddresses,
          random: env.random,
          // Of this start, for its first incarnation alone.
          run: this.runs.pop() ?? 0,
          limits: config.limits,
          ...saved,
        }),
      perform: () => {},
    });
    this.folder = folder;
    this.env = env;
  }

  override async start(addresses: Pick<Member, 'address' | 'httpAddress'>): Promise<void> {
    this.runs = [await this.folder.nextRun()];
    await super.start(addresses);
  }

  /** The clock of the core. */
  nowMs(): number {
    return this.env.nowMs();
  }

  readiness(): Readiness {
    const serves = this.core?.state === 'joined' || this.core?.isStandIn === true;
    return serves ? { ready: true } : { ready: false, waitingFor: 'a meta server to join' };
  }
}
