import {
  type About,
  type Core,
  type Env,
  type LinkEffect,
  type LinkEvent,
  type LogEffect,
  type Member,
  type PeerHello,
  PROTOCOL_VERSION,
  VERSION,
  type RoutingTable,
  type VersionedSwitches,
  type WakeEffect,
  type WakeEvent,
  randomId,
} from '#model';
import type { Config } from '../config/load.js';
import { type LinkAcceptor, Links } from '../links/links.js';
import type { HostDrops } from '../metrics/host-metrics.js';
import { CoreRunner } from './core-runner.js';
import type { Logger } from './logger.js';

/** Where a member keeps what meta told it last; `ServerFolder` of the store is one. */
export interface MemberFolder {
  loadTable(): Promise<RoutingTable | undefined>;
  saveTable(table: RoutingTable): Promise<void>;
  loadSwitches(): Promise<VersionedSwitches | undefined>;
  saveSwitches(switches: VersionedSwitches): Promise<void>;
  /** What was found damaged when it was read, for people. */
  readonly warnings: readonly string[];
}

/** What meta told last, as a core is given it. */
export interface Saved {
  table?: RoutingTable;
  switches?: VersionedSwitches;
}

/** What the cores of data and session servers have in common. */
interface MemberCore<Event, Effect> extends Core<Event, Effect> {
  readonly clusterId: string | undefined;
}

type MemberEvent = { type: 'start' } | { type: 'stop' } | WakeEvent | LinkEvent<never>;
type MemberEffect<Sent> =
  | LinkEffect<Sent>
  | { type: 'saveTable'; table: RoutingTable }
  | { type: 'saveSwitches'; switches: VersionedSwitches }
  | { type: 'restart'; reason: string };

export interface MemberHostOptions<C, Sent, Own> {
  role: 'data' | 'session';
  config: Pick<Config, 'zone' | 'weight'>;
  env: Env;
  logger: Logger;
  folder: MemberFolder;
  /** The highest that this server supports. */
  featureLevel: number;
  /** Of the disk, where the server keeps more on it than what meta tells it. */
  diskId?: string;
  /** Makes the brain of one incarnation. */
  makeCore(self: Member, saved: Saved): C;
  /** Performs an effect that only this tier's core has. */
  perform(effect: Exclude<Own, MemberEffect<Sent> | WakeEffect | LogEffect>): void;
  /** The incarnation is over; called before the next begins. */
  onRestart?(reason: string): void;
  fail(error: unknown): void;
}

/**
 * Runs the core of a data or session server: its links, what it saves, and its life as one incarnation after another.
 */
export class MemberHost<
  C extends MemberCore<Event | WakeEvent, Effect>,
  Event extends { type: string },
  Effect extends { type: string },
  Sent,
  Received,
> {
  protected readonly links: Links<Sent, Received>;
  private current: { core: C; runner: CoreRunner<Event, Effect>; incarnation: string } | undefined;
  private saved: Saved = {};
  private addresses: Pick<Member, 'address' | 'httpAddress'> | undefined;
  private effectsFailedBefore = 0;

  constructor(private readonly options: MemberHostOptions<C, Sent, Effect>) {
    this.links = new Links<Sent, Received>({
      hello: () => this.hello(),
      onEvent: (event) => this.dispatch(event as unknown as Event),
    });
  }

  /** Undefined before the start. */
  get core(): C | undefined {
    return this.current?.core;
  }

  /** What was given up that nothing repeats by itself. */
  get drops(): HostDrops {
    return { link: this.links.overflows, effect: this.effectsFailedBefore + (this.current?.runner.failedEffects ?? 0) };
  }

  get linkCount(): number {
    return this.links.count;
  }

  /** A link that its core has no use for is closed again; but whoever opened it has then heard who is here. */
  get acceptor(): LinkAcceptor {
    return this.links;
  }

  identity(): Pick<About, 'incarnation' | 'clusterId'> {
    if (!this.current) return {};
    const { incarnation, core } = this.current;
    return { incarnation, ...(core.clusterId === undefined ? {} : { clusterId: core.clusterId }) };
  }

  /** @param addresses of this server as others reach it */
  async start(addresses: Pick<Member, 'address' | 'httpAddress'>): Promise<void> {
    const { folder, logger } = this.options;
    this.addresses = addresses;
    const [table, switches] = [await folder.loadTable(), await folder.loadSwitches()];
    this.saved = { ...(table ? { table } : {}), ...(switches ? { switches } : {}) };
    for (const warning of folder.warnings) logger.warn('folder-damaged', { warning });
    this.begin();
  }

  dispatch(event: Event | MemberEvent): void {
    this.current?.runner.dispatch(event as Event);
  }

  /** Leaves the cluster. The links stay open until `close`, so that the word gets out. */
  stop(): void {
    this.dispatch({ type: 'stop' });
    this.current?.runner.stop();
  }

  close(): Promise<void> {
    return this.links.close();
  }

  private hello(): PeerHello {
    const { role } = this.options;
    const { core, incarnation = '' } = this.current ?? {};
    const clusterId = core?.clusterId;
    return {
      protocol: PROTOCOL_VERSION,
      role,
      incarnation,
      version: VERSION,
      ...(clusterId === undefined ? {} : { clusterId }),
    };
  }

  private begin(): void {
    const { role, config, env, logger, featureLevel, diskId, fail, makeCore } = this.options;
    const incarnation = randomId(env.random);
    const { zone, weight } = config;
    const disk = diskId === undefined ? {} : { diskId };
    const self = { role, incarnation, ...this.addresses!, zone, weight, featureLevel, ...disk };
    const core = makeCore(self, this.saved);
    const runner = new CoreRunner<Event, Effect>({
      core,
      env,
      logger,
      perform: (effect) => this.perform(effect as unknown as Effect & MemberEffect<Sent>),
      onFatal: fail,
    });
    this.current = { core, runner, incarnation };
    this.dispatch({ type: 'start' });
  }

  private perform(effect: Effect & MemberEffect<Sent>): void {
    switch (effect.type) {
      case 'saveTable':
        this.saved.table = effect.table;
        return this.save('table', this.options.folder.saveTable(effect.table));
      case 'saveSwitches':
        this.saved.switches = effect.switches;
        return this.save('switches', this.options.folder.saveSwitches(effect.switches));
      case 'restart':
        return this.restart(effect.reason);
      case 'dial':
      case 'hangUp':
      case 'send':
        return this.links.perform(effect);
      default:
        return this.options.perform(effect as never);
    }
  }

  /** Where that fails, serving goes on; only a restart while meta is down would begin with something older. */
  private save(what: 'table' | 'switches', saved: Promise<void>): void {
    const event = what === 'table' ? 'table-not-saved' : 'switches-not-saved';
    saved.catch((error: unknown) => this.options.logger.warn(event, { error }));
  }

  private restart(reason: string): void {
    this.options.logger.warn('new-incarnation', { reason, former: this.current?.incarnation });
    this.current?.runner.stop();
    this.effectsFailedBefore += this.current?.runner.failedEffects ?? 0;
    this.links.hangUpAll(reason);
    this.options.onRestart?.(reason);
    this.begin();
  }
}
