import type { DataToSession, Env, FromMeta, Member, RoutingTable, SessionToData, ToMeta } from '#model';
import { randomId } from '#model';
import { type Config, CoreRunner, type HostEffect, type Links, type Logger, type Readiness } from '#nest';
import { DataCore, type DataEffect, type DataEvent } from '#registry';
import type { ServerFolder } from '#store';

export type DataLinks = Links<ToMeta | DataToSession, FromMeta | SessionToData>;

export interface DataHostOptions {
  config: Config<'data'>;
  env: Env;
  logger: Logger;
  folder: ServerFolder;
  links: DataLinks;
  fail: (error: unknown) => void;
}

/** Runs the brain of a data server: links and the saved table on one side, {@link DataCore} on the other. */
export class DataHost {
  incarnation = '';
  private core: DataCore | undefined;
  private runner: CoreRunner<DataEvent, DataEffect> | undefined;
  private run = 0;
  private table: RoutingTable | undefined;
  private addresses = { address: '', httpAddress: '' };

  constructor(private readonly options: DataHostOptions) {}

  get clusterId(): string | undefined {
    return this.core?.clusterId;
  }

  /** @param addresses of this server as others reach it */
  async start(addresses: Pick<Member, 'address' | 'httpAddress'>): Promise<void> {
    this.addresses = addresses;
    const { folder, logger } = this.options;
    this.table = await folder.loadTable();
    for (const warning of folder.warnings) logger.warn('folder-damaged', { warning });
    this.run = await folder.nextRun();
    this.begin();
  }

  dispatch(event: DataEvent): void {
    this.runner?.dispatch(event);
  }

  readiness(): Readiness {
    const state = this.core?.state ?? 'searching';
    return state === 'joined' ? { ready: true } : { ready: false, waitingFor: 'a meta server to join' };
  }

  /** Leaves the cluster. */
  stop(): void {
    this.dispatch({ type: 'stop' });
    this.runner?.stop();
  }

  private begin(): void {
    const { config, env, logger, fail } = this.options;
    this.incarnation = randomId(env.random);
    const self: Member = {
      role: 'data',
      incarnation: this.incarnation,
      ...this.addresses,
      zone: config.zone,
      weight: config.weight,
    };
    const { metaAddresses } = config.cluster;
    this.core = new DataCore({
      self,
      metaAddresses,
      random: env.random,
      run: this.run,
      limits: config.limits,
      ...(this.table === undefined ? {} : { table: this.table }),
    });
    this.runner = new CoreRunner<DataEvent, DataEffect>({
      core: this.core,
      env,
      logger,
      perform: (effect) => this.perform(effect),
      onFatal: fail,
    });
    this.runner.dispatch({ type: 'start' });
  }

  private perform(effect: HostEffect<DataEffect>): void {
    switch (effect.type) {
      case 'saveTable':
        this.table = effect.table;
        this.options.folder.saveTable(effect.table).catch((error: unknown) => {
          // The data tier goes on without its saved table; it would only start slower.
          this.options.logger.warn('table-not-saved', { error });
        });
        return;
      case 'restart':
        void this.restart(effect.reason);
        return;
      default:
        this.options.links.perform(effect);
    }
  }

  private async restart(reason: string): Promise<void> {
    const { folder, links, logger, fail } = this.options;
    logger.warn('new-incarnation', { reason, former: this.incarnation });
    this.runner?.stop();
    try {
      this.run = await folder.nextRun();
    } catch (error) {
      return fail(error);
    }
    links.hangUpAll(reason);
    this.begin();
  }
}
