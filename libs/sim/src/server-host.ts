import {
  type Core,
  FEATURE_LEVEL,
  type LinkEffect,
  type LinkEvent,
  type LogEffect,
  PROTOCOL_VERSION,
  type PeerHello,
  type Random,
  type RoutingTable,
  type ServerRole,
  type VersionedSwitches,
  type WakeEffect,
  type WakeEvent,
  randomId,
} from '#model';
import { SimDisk } from './disk.js';
import { type Opening, SimLinks } from './links.js';
import type { Accept } from './network.js';
import { SimProcess } from './process.js';
import type { World } from './world.js';

/** What the cores of all tiers have in common, as seen by a host. */
export type ServerEvent = { type: 'start' } | { type: 'stop' } | WakeEvent | LinkEvent<unknown>;
export type ServerEffect =
  | WakeEffect
  | LogEffect
  | LinkEffect<unknown>
  | { type: 'saveTable'; table: RoutingTable }
  | { type: 'saveSwitches'; switches: VersionedSwitches }
  | { type: 'restart'; reason: string };

/** What becomes of a node's process. */
export type Life = 'starts' | 'dies' | 'vanishes' | 'pauses' | 'resumes';

/** Told of what the hosts do, for the invariants. */
export interface HostObserver {
  life?(node: string, change: Life): void;
  event?(node: string, event: { type: string }): void;
  effect?(node: string, effect: { type: string }): void;
}

/** A core that asks to be woken this often without time moving on is spinning. */
const MAX_WAKES_AT_ONE_TIME = 1_000;

/**
 * Runs one server's core on a simulated machine: performs its effects in order, carries its links, and starts it anew
 * when it asks for that or when the test does. What differs between the tiers is in the subclasses.
 */
export abstract class ServerHost<Event extends { type: string }, Effect extends { type: string }> {
  readonly address: string;
  readonly disk: SimDisk;
  incarnation = '';
  /** How often a process has been started here. */
  lives = 0;
  /** The clusterId this host tells its peers. */
  clusterId: string | undefined;
  /** The highest that the version started here next supports. */
  featureLevel = FEATURE_LEVEL;
  /** How far the wall clock of this machine is off. */
  wallOffsetMs = 0;
  core: Core<Event, Effect> | undefined;
  /** True for a life that the core itself asked for: the same process goes on under another incarnation. */
  protected goesOn = false;
  /** How long a dial waits for an answer, where it is not as long as the network's own patience. */
  protected readonly dialTimeoutMs: number | undefined;
  protected process: SimProcess;
  private readonly random: Random;
  private links: SimLinks<unknown, unknown> | undefined;
  /** Events that came while the effects of another were performed. */
  private events: Event[] = [];
  private stepping = false;
  private cancelWake: () => void = () => {};
  private wakes = { atMs: -1, count: 0 };

  constructor(
    readonly name: string,
    readonly role: ServerRole,
    protected readonly world: World,
    private readonly observer: HostObserver = {},
  ) {
    this.address = addressOf(name, role);
    this.random = world.fork();
    this.disk = new SimDisk(world.clock, 3);
    this.process = new SimProcess(name, world.clock);
    this.process.die();
  }

  /** Makes the core of a new life; its incarnation is already chosen. */
  protected abstract makeCore(random: Random): Core<Event, Effect>;
  /** Performs an effect that only this tier has. */
  protected abstract performOwn(effect: Effect): void;
  /** After `start` was stepped. */
  protected started(): void {}
  /** Answers an opening that is not one of a link between the tiers. */
  protected abstract acceptOther(opening: Exclude<Opening, { kind: 'peer' }>): Accept;
  /** After `stop` was stepped. */
  protected stopping(): void {}

  get running(): boolean {
    return this.process.running;
  }

  get dead(): boolean {
    return this.process.dead;
  }

  start(): void {
    if (!this.process.dead) return;
    this.world.network.reappear(this.name);
    this.lives++;
    this.incarnation = randomId(this.random);
    this.process = new SimProcess(this.name, this.world.clock);
    this.links = new SimLinks({
      kind: 'peer',
      network: this.world.network,
      process: this.process,
      hello: () => this.hello(),
      onEvent: (event) => this.step(event as unknown as Event),
      ...(this.dialTimeoutMs === undefined ? {} : { dialTimeoutMs: this.dialTimeoutMs }),
    });
    this.observer.life?.(this.name, 'starts');
    this.core = this.makeCore(this.world.fork());
    this.note(`starts as ${this.incarnation} (life ${this.lives})`);
    this.world.network.listen(this.address, this.process, (opening) => this.accept(opening as Opening));
    this.step({ type: 'start' } as unknown as Event);
    this.started();
  }

  /** Kill -9, or with `vanish` the whole machine loses its power: then nobody is told. */
  crash(how: 'kill' | 'vanish' = 'kill'): void {
    if (this.process.dead) return;
    this.note(how === 'kill' ? 'is killed' : 'vanishes');
    this.observer.life?.(this.name, how === 'kill' ? 'dies' : 'vanishes');
    if (how === 'vanish') this.world.network.vanish(this.name);
    this.end();
  }

  /** Asks the core to stop in good order, and ends the process `drainMs` later. */
  stop(drainMs = 500): void {
    const { process } = this;
    process.deliver(() => {
      this.note('is asked to stop');
      this.step({ type: 'stop' } as unknown as Event);
      this.stopping();
    });
    this.world.at(this.world.nowMs() + drainMs, () => {
      if (this.process === process && !process.dead) this.end();
    });
  }

  pause(): void {
    if (!this.process.running) return;
    this.note('is paused');
    this.observer.life?.(this.name, 'pauses');
    this.process.pause();
  }

  resume(): void {
    if (this.process.running || this.process.dead) return;
    this.note('is resumed');
    this.observer.life?.(this.name, 'resumes');
    this.process.resume();
  }

  /** Until it ends or this is called again, each thing that comes in takes so long. */
  slowDown(costMs: number): void {
    this.note(costMs === 0 ? 'is as fast as before' : `takes ${costMs} ms for each thing that comes in`);
    this.process.slowDown(costMs);
  }

  /** What a core begins with: what meta told an earlier one here. */
  protected saved(): { table?: RoutingTable; switches?: VersionedSwitches } {
    const table = this.disk.read<RoutingTable>('table');
    const switches = this.disk.read<VersionedSwitches>('switches');
    this.clusterId = table?.clusterId;
    return { ...(table ? { table } : {}), ...(switches ? { switches } : {}) };
  }

  protected wallMs(): number {
    return this.world.wallMs() + this.wallOffsetMs;
  }

  /** A step is never entered twice, as in production. */
  protected step(event: Event): void {
    if (this.process.dead || !this.core) return;
    this.events.push(event);
    if (this.stepping) return;
    this.stepping = true;
    try {
      for (let next = this.events.shift(); next && !this.process.dead; next = this.events.shift()) this.stepOne(next);
    } finally {
      this.events = [];
      this.stepping = false;
    }
  }

  private stepOne(event: Event): void {
    this.world.transcript.trace(this.name, describe(event));
    this.observer.event?.(this.name, event);
    let effects: Effect[];
    try {
      effects = this.core!.step(this.world.nowMs(), event, this.process.readUntilMs);
    } catch (cause) {
      throw new Error(`The core of ${this.name} threw on ${describe(event)} at ${this.world.nowMs()} ms.`, { cause });
    }
    for (const effect of effects) {
      this.observer.effect?.(this.name, effect);
      this.perform(effect);
      if (this.process.dead) return;
    }
  }

  private perform(effect: Effect): void {
    const common = effect as unknown as ServerEffect;
    switch (common.type) {
      case 'wake':
        return this.wakeAt(common.atMs);
      case 'log':
        return this.note(`${common.level} ${common.event} ${JSON.stringify(common.fields ?? {})}`);
      case 'dial':
      case 'hangUp':
      case 'send':
        return this.links!.perform(common);
      case 'saveTable':
        this.clusterId = common.table.clusterId || this.clusterId;
        return this.disk.write('table', common.table);
      case 'saveSwitches':
        return this.disk.write('switches', common.switches);
      case 'restart':
        this.note(`restarts itself: ${common.reason}`);
        this.end();
        this.world.at(this.world.nowMs() + 20 + this.random() * 80, () => {
          this.goesOn = true;
          this.start();
          this.goesOn = false;
        });
        return;
      default:
        return this.performOwn(effect);
    }
  }

  private wakeAt(atMs: number): void {
    if (!Number.isFinite(atMs)) throw new Error(`${this.name} asks to be woken at ${atMs}.`);
    this.cancelWake();
    const { process } = this;
    this.cancelWake = process.timer(atMs, () => {
      const nowMs = this.world.nowMs();
      this.wakes = this.wakes.atMs === nowMs ? { atMs: nowMs, count: this.wakes.count + 1 } : { atMs: nowMs, count: 1 };
      if (this.wakes.count > MAX_WAKES_AT_ONE_TIME)
        throw new Error(`${this.name} was woken ${this.wakes.count} times at ${nowMs} ms: it spins.`);
      this.step({ type: 'wake' } as unknown as Event);
    });
  }

  private accept(opening: Opening): Accept {
    return opening.kind === 'peer' ? this.links!.accept(opening.hello) : this.acceptOther(opening);
  }

  protected hello(): PeerHello {
    return {
      protocol: PROTOCOL_VERSION,
      role: this.role,
      incarnation: this.incarnation,
      ...(this.clusterId ? { clusterId: this.clusterId } : {}),
    };
  }

  protected end(): void {
    this.cancelWake();
    this.disk.crash();
    this.process.die();
    this.world.network.processDied(this.process);
    this.core = undefined;
    this.ended();
  }

  /** The process is gone; what the subclass held for it goes too. */
  protected ended(): void {}

  protected note(text: string): void {
    this.world.transcript.note(this.name, text);
  }
}

const PORTS: Record<ServerRole, number> = { meta: 9610, data: 9620, session: 9600 };

export function addressOf(name: string, role: ServerRole): string {
  return `${name}:${PORTS[role]}`;
}

/** An event in a few words: enough to tell two runs apart. */
export function describe(event: { type: string; link?: number; message?: unknown }): string {
  const message = event.message as { kind?: string; slot?: number; sequence?: number } | undefined;
  return [event.type, event.link, message?.kind, message?.slot, message?.sequence]
    .filter((part) => part !== undefined)
    .join(' ');
}
