import type { RaftNodeStatus } from '#consensus';
import {
  type About,
  type Check,
  type Env,
  type FromMeta,
  type PeerHello,
  PROTOCOL_VERSION,
  type ToMeta,
  VERSION,
  randomId,
} from '#model';
import { type Config, CoreRunner, type HostDrops, type HostEffect, type LinkAcceptor, Links, type Logger } from '#nest';
import {
  FollowedState,
  MetaCore,
  type MetaCommand,
  type MetaEffect,
  type MetaEvent,
  type MetaInspection,
  type MetaState,
  type Planning,
  TableChanges,
  leadershipEvent,
  proposedEvent,
} from '#registry';
import type { MetaGroup } from './raft/group.js';
import { checkSlotCount } from './raft/identity.js';

/** Meta dials only to learn who is there, and silence says nothing; so it need not wait for it long. */
const PROBE_TIMEOUT_MS = 1_000;

export interface MetaHostOptions {
  config: Config<'meta'>;
  env: Env;
  logger: Logger;
  group: MetaGroup;
  /** The highest that this server supports. */
  featureLevel: number;
  fail: (error: unknown) => void;
}

/** Runs the brain of a meta server: the members' links on one side, the Raft node on the other, {@link MetaCore} between. */
export class MetaHost {
  private readonly links: Links<FromMeta, ToMeta>;
  private readonly incarnation: string;
  private readonly core: MetaCore;
  private readonly runner: CoreRunner<MetaEvent, MetaEffect>;
  private readonly followed: FollowedState;
  /** While this server has led. */
  readonly changes = new TableChanges();
  private isLeading = false;
  private stopped = false;
  private stopListening: () => void = () => {};

  constructor(private readonly options: MetaHostOptions) {
    const { config, env, logger, group, featureLevel, fail } = options;
    this.followed = new FollowedState(group.machine);
    this.incarnation = randomId(env.random);
    this.links = new Links<FromMeta, ToMeta>({
      hello: () => this.hello(),
      onEvent: (event) => this.dispatch(event),
      limits: { connectTimeoutMs: PROBE_TIMEOUT_MS, helloTimeoutMs: PROBE_TIMEOUT_MS },
    });
    const { slotCount, replicas } = config.cluster;
    const { random } = env;
    this.core = new MetaCore({ random, slotCount, replicas, featureLevel, version: VERSION, limits: config.limits });
    this.runner = new CoreRunner<MetaEvent, MetaEffect>({
      core: this.core,
      env,
      logger,
      perform: (effect) => this.perform(effect),
      onFatal: fail,
    });
  }

  get acceptor(): LinkAcceptor {
    return {
      accept: (server) => {
        this.options.group.accept(server);
        this.links.accept(server);
      },
    };
  }

  get raftStatus(): RaftNodeStatus {
    return this.options.group.node.status();
  }

  get state(): MetaState {
    return this.followed.state;
  }

  /** How many data servers are to hold each slot. */
  get replicas(): number {
    return this.options.config.cluster.replicas;
  }

  get linkCount(): number {
    return this.links.count;
  }

  get drops(): HostDrops {
    return { link: this.links.overflows, effect: this.runner.failedEffects };
  }

  inspect(): MetaInspection {
    return this.core.inspect(this.options.env.nowMs());
  }

  planning(): Planning {
    return this.core.planning(this.options.env.nowMs());
  }

  start(): void {
    this.runner.dispatch({ type: 'start' });
    void this.follow();
    const { node } = this.options.group;
    const { id } = node.status();
    this.stopListening = node.onLeadership((leadership) => {
      this.isLeading = leadership.leading;
      this.dispatch(leadershipEvent(id, leadership));
    });
  }

  dispatch(event: MetaEvent): void {
    this.runner.dispatch(event);
  }

  checks(): readonly Check[] {
    const { ready, gathering, leading, leader } = this.inspect();
    // Who follows a leader serves too: it sends members there. Of what is committed it has seen all that was when it came.
    const isCurrent = leading ? ready || gathering : this.raftStatus.stateAgeMs < Infinity;
    const state = leading ? 'what this meta leader knows to be committed' : 'what was committed when it started';
    return [
      { name: 'leader', waitingFor: leading || leader !== undefined ? undefined : 'a meta leader' },
      { name: 'state', waitingFor: isCurrent ? undefined : state },
      {
        name: 'members',
        waitingFor: gathering ? 'the members of a recovered or restored cluster to come back' : undefined,
      },
    ];
  }

  identity(): Pick<About, 'incarnation' | 'clusterId'> {
    const { incarnation } = this;
    const { clusterId } = this.followed.state.table;
    return { incarnation, ...(clusterId === '' ? {} : { clusterId }) };
  }

  stop(): void {
    this.stopped = true;
    this.stopListening();
    this.dispatch({ type: 'stop' });
    this.runner.stop();
  }

  async close(): Promise<void> {
    await this.options.group.handOver();
    await this.links.close();
  }

  private hello(): PeerHello {
    const { incarnation } = this;
    return { protocol: PROTOCOL_VERSION, role: 'meta', version: VERSION, ...this.identity(), incarnation };
  }

  /** Hands every committed change to the core, in log order. */
  private async follow(): Promise<void> {
    const { group, fail } = this.options;
    try {
      for await (const item of group.node.watch(0)) {
        const { table } = this.state;
        const committed = this.followed.next(item);
        if (this.isLeading) this.changes.note(table, committed.state.table);
        const { clusterId } = committed.state.table;
        if (clusterId !== '') {
          checkSlotCount(this.options.config, committed.state.table);
          group.belongsTo(clusterId);
        }
        this.dispatch(committed);
      }
    } catch (error) {
      if (!this.stopped) fail(error);
    }
  }

  private perform(effect: HostEffect<MetaEffect>): void {
    if (effect.type === 'propose') void this.propose(effect.sequence, effect.command);
    else if (effect.type === 'askFeatureLevel')
      this.dispatch({ type: 'featureLevel', level: this.options.group.featureLevel() });
    else if (effect.type === 'confirm') void this.confirm(effect.number);
    else this.links.perform(effect);
  }

  private async confirm(number: number): Promise<void> {
    const { node } = this.options.group;
    const tableEpoch = await node.read(({ table }) => table.epoch, 'linearizable').catch(() => undefined);
    this.dispatch({ type: 'confirmed', number, tableEpoch });
  }

  private async propose(sequence: number, command: MetaCommand): Promise<void> {
    const { node } = this.options.group;
    const outcome = await node.propose({ client: this.incarnation, sequence }, command).then(
      ({ result }) => ({ result }),
      (error: unknown) => ({ error }),
    );
    this.dispatch(proposedEvent(sequence, outcome));
  }
}
