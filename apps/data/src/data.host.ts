import type { Check, Env, Member } from '#model';
import { type Config, type Logger, MemberHost } from '#nest';
import {
  DataCore,
  type DataEffect,
  type DataEvent,
  type FromData,
  type KeepBatch,
  type PersistBatch,
  type RemovalClocks,
  type ToData,
  WarmCopy,
} from '#registry';
import type { ServerFolder } from '#store';
import type { SlotDisk } from './slot-disk.js';
import type { WarmDisk } from './warm-disk.js';

export interface DataHostOptions {
  config: Config<'data'>;
  env: Env;
  logger: Logger;
  folder: ServerFolder;
  disk: SlotDisk;
  /** Left out where no copy is kept for a warm start. */
  warm?: { disk: WarmDisk; copy: WarmCopy };
  featureLevel: number;
  fail: (error: unknown) => void;
}

/** Runs the brain of a data server. */
export class DataHost extends MemberHost<DataCore, DataEvent, DataEffect, FromData, ToData> {
  private runs: number[] = [];
  private readonly folder: ServerFolder;
  private readonly disk: SlotDisk;
  private readonly warmDisk: WarmDisk | undefined;
  /** What it had kept, for the first incarnation in this process. */
  private warmCopy: WarmCopy | undefined;
  private readonly env: Env;
  private readonly zeroMs: number;

  constructor({ config, env, logger, folder, disk, warm, featureLevel, fail }: DataHostOptions) {
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
          isStored: this.isFirst,
          ...(warm ? { warm: this.takeCopy() } : {}),
          limits: config.limits,
          ...saved,
        }),
      perform: (effect) => (effect.type === 'keep' ? this.keep(effect) : this.persist(effect)),
    });
    this.folder = folder;
    this.disk = disk;
    this.warmDisk = warm?.disk;
    this.warmCopy = warm?.copy;
    this.env = env;
    this.zeroMs = env.wallMs() - env.nowMs();
  }

  override async start(addresses: Pick<Member, 'address' | 'httpAddress'>): Promise<void> {
    this.runs = [await this.folder.nextRun()];
    await super.start(addresses);
  }

  /** The clock of the core. */
  nowMs(): number {
    return this.env.nowMs();
  }

  get clocks(): RemovalClocks {
    return { nowMs: this.env.nowMs(), wallMs: this.env.wallMs(), zeroMs: this.zeroMs };
  }

  checks(): readonly Check[] {
    return this.core?.checks() ?? [];
  }

  private get isFirst(): boolean {
    return this.core === undefined;
  }

  /** Once: another incarnation in this process begins with nothing, and with an empty copy. */
  private takeCopy(): WarmCopy {
    const copy = this.warmCopy ?? new WarmCopy(false);
    this.warmCopy = undefined;
    return copy;
  }

  private keep(batch: KeepBatch): void {
    const { token } = batch;
    this.answer(
      this.warmDisk!.keep(batch),
      () => ({ type: 'kept', token }),
      (message) => ({ type: 'keepFailed', token, message }),
    );
  }

  private persist({ token, writes }: PersistBatch): void {
    this.answer(
      this.disk.write(writes),
      () => ({ type: 'persisted', token }),
      (message) => ({ type: 'persistFailed', token, message }),
    );
  }

  /** What was asked for by an incarnation that is over is told to nobody. */
  private answer(written: Promise<void>, done: () => DataEvent, failed: (message: string) => DataEvent): void {
    const { core } = this;
    const tell = (event: DataEvent): void => (this.core === core ? this.dispatch(event) : undefined);
    written.then(
      () => tell(done()),
      (error: Error) => tell(failed(error.message)),
    );
  }
}
