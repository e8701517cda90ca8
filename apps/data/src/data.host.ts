import type { Env, Member } from '#model';
import { type Config, type Logger, MemberHost, type Readiness } from '#nest';
import { DataCore, type DataEffect, type DataEvent, type FromData, type PersistBatch, type ToData } from '#registry';
import type { ServerFolder } from '#store';
import type { SlotDisk } from './slot-disk.js';

export interface DataHostOptions {
  config: Config<'data'>;
  env: Env;
  logger: Logger;
  folder: ServerFolder;
  disk: SlotDisk;
  featureLevel: number;
  fail: (error: unknown) => void;
}

/** Runs the brain of a data server. */
export class DataHost extends MemberHost<DataCore, DataEvent, DataEffect, FromData, ToData> {
  private runs: number[] = [];
  private readonly folder: ServerFolder;
  private readonly disk: SlotDisk;
  private readonly env: Env;
  private incarnations = 0;

  constructor({ config, env, logger, folder, disk, featureLevel, fail }: DataHostOptions) {
    super({
      role: 'data',
      config,
      env,
      logger,
      folder,
      featureLevel,
      diskId: disk.diskId,
      fail,
      makeCore: (self, saved) =>
        new DataCore({
          self,
          metaAddresses: config.cluster.metaAddresses,
          random: env.random,
          // Of this start, for its first incarnation alone.
          run: this.runs.pop() ?? 0,
          stored: disk.stored(),
          // What an earlier incarnation in this process has asked for may not be written yet.
          isStored: this.isFirst(),
          limits: config.limits,
          ...saved,
        }),
      perform: (effect) => this.persist(effect),
    });
    this.folder = folder;
    this.disk = disk;
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

  private isFirst(): boolean {
    return ++this.incarnations === 1;
  }

  /** What was asked for by an incarnation that is over is told to nobody. */
  private persist({ token, writes }: PersistBatch): void {
    const { core } = this;
    const tell = (event: DataEvent): void => (this.core === core ? this.dispatch(event) : undefined);
    this.disk.write(writes).then(
      () => tell({ type: 'persisted', token }),
      (error: Error) => tell({ type: 'persistFailed', token, message: error.message }),
    );
  }
}
