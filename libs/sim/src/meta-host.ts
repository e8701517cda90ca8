import { type RaftNodeLimits, type RaftNodeStatus, membersOf } from '#consensus';
import { type Core, type LogEffect, type Random, featureLevelOf } from '#model';
import {
  FollowedState,
  type MetaCommand,
  type MetaEffect,
  type MetaEvent,
  type MetaOptions,
  type MetaState,
  type MetaStateMachine,
  groupFeatureLevel,
  leadershipEvent,
  proposedEvent,
} from '#registry';
import type { Opening } from './links.js';
import { SimLogDisk } from './log-disk.js';
import { MetaRaft } from './meta-raft.js';
import type { Accept } from './network.js';
import { type HostObserver, ServerHost } from './server-host.js';
import type { World } from './world.js';

export interface MetaHostOptions {
  makeCore: (options: MetaOptions) => Core<MetaEvent, MetaEffect>;
  machine: (featureLevel: number) => MetaStateMachine;
  /** The addresses of all meta servers, this one's among them. */
  voters: string[];
  options: Omit<MetaOptions, 'random'>;
  raft?: Partial<RaftNodeLimits>;
}

/** A meta server's host: the links of members on one side, a Raft node on the other, the core between. */
export class MetaHost extends ServerHost<MetaEvent, MetaEffect> {
  /** What this server knows to be committed, also when it is down, for the test to look at. */
  state: MetaState;
  protected override readonly dialTimeoutMs = 1_000;
  index = 0;
  /** Snapshots of the leader that took the place of its own state. */
  installed = 0;
  readonly log: SimLogDisk;
  private raft: MetaRaft | undefined;
  private followed: FollowedState;
  private readonly delays: Random;
  private operated = 0;

  constructor(
    name: string,
    world: World,
    private readonly told: HostObserver,
    private readonly settings: MetaHostOptions,
  ) {
    super(name, 'meta', world, told);
    this.log = new SimLogDisk(world.clock, world.fork());
    this.delays = world.fork();
    this.followed = new FollowedState(settings.machine(this.featureLevel));
    this.state = this.followed.state;
  }

  /** Of its Raft node; undefined while it is down. */
  get raftStatus(): RaftNodeStatus | undefined {
    return this.raft?.runner.status();
  }

  protected override makeCore(random: Random): Core<MetaEvent, MetaEffect> {
    const { featureLevel } = this;
    const { makeCore, voters, options, raft: limits = {} } = this.settings;
    const machine = this.settings.machine(featureLevel);
    this.followed = new FollowedState(machine);
    this.clusterId = undefined;
    this.raft = new MetaRaft({
      ...{ id: this.address, voters, world: this.world, process: this.process, disk: this.log },
      ...{ random: this.world.fork(), machine, limits },
      hello: () => ({ ...this.hello(), featureLevel }),
      log: (line) => this.say(line),
      fail: () => this.crash(),
    });
    return makeCore({ ...options, featureLevel, random });
  }

  /** What an operator has asked for: committed like anything that the core proposes, and only while this node leads. */
  operate(command: MetaCommand): void {
    this.note(`is asked for ${JSON.stringify(command)}`);
    const told = ({ message }: Error): void => this.note(`does not do it: ${message}`);
    this.raft?.runner.propose({ client: `operator of ${this.incarnation}`, sequence: ++this.operated }, command, {
      resolve: () => {},
      reject: told,
    });
  }

  protected override started(): void {
    const { runner } = this.raft!;
    this.raft!.start();
    const reader = runner.reader(0);
    const found = runner.status().snapshotIndex;
    const follow = (): void => {
      for (let item = reader.take(); item; item = reader.take()) {
        if ('snapshot' in item && item.index > found) this.installed++;
        this.committed(this.followed.next(item));
      }
      reader.whenMore(() => this.process.defer(follow));
    };
    this.process.defer(follow);
    runner.onLeadership((leadership) => this.step(leadershipEvent(this.address, leadership)));
  }

  private committed(event: Extract<MetaEvent, { type: 'committed' }>): void {
    this.state = event.state;
    this.index = event.index;
    this.clusterId = event.state.table.clusterId || undefined;
    this.step(event);
  }

  protected override performOwn(effect: MetaEffect): void {
    switch (effect.type) {
      case 'propose':
        this.note(`proposes ${JSON.stringify(effect.command).slice(0, 160)}`);
        return this.propose(effect.sequence, effect.command);
      case 'confirm':
        return this.confirm(effect.number);
      case 'askFeatureLevel': {
        const level = this.groupFeatureLevel();
        return this.process.defer(() => this.step({ type: 'featureLevel', level }));
      }
      default:
        throw new Error(`Unknown effect of meta: ${effect.type}`);
    }
  }

  private confirm(number: number): void {
    const tell = (tableEpoch: number | undefined): void =>
      this.process.defer(() => this.step({ type: 'confirmed', number, tableEpoch }));
    this.raft!.runner.read('linearizable', {
      resolve: ({ table }) => tell(table.epoch),
      reject: () => tell(undefined),
    });
  }

  private groupFeatureLevel(): number | undefined {
    const { runner, peers } = this.raft!;
    return groupFeatureLevel(membersOf(runner.status().configuration), (member) => {
      if (member === this.address) return this.featureLevel;
      const hello = peers.helloOf(member);
      return hello && featureLevelOf(hello);
    });
  }

  /** The outcome of a proposal and the state it led to may come in either order. */
  private propose(sequence: number, command: MetaCommand): void {
    const { process } = this;
    const tell = (outcome: Parameters<typeof proposedEvent>[1]): void => {
      const afterMs = this.delays() < 0.5 ? 0 : this.delays() * 2;
      process.timer(this.world.nowMs() + afterMs, () => this.step(proposedEvent(sequence, outcome)));
    };
    this.raft!.runner.propose({ client: this.incarnation, sequence }, command, {
      resolve: ({ result }) => tell({ result }),
      reject: (error) => tell({ error }),
    });
  }

  /** As in production, a leader that goes leaves another behind. */
  protected override stopping(): void {
    const runner = this.raft?.runner;
    const heir = runner?.heir();
    if (heir === undefined) return;
    const done = (text: string): void => this.note(`hands over to ${heir}: ${text}`);
    runner!.transfer(heir, { resolve: () => done('done'), reject: ({ message }) => done(message) });
  }

  protected override acceptOther(opening: Exclude<Opening, { kind: 'peer' }>): Accept {
    return opening.kind === 'raft' ? this.raft!.links.accept(opening.hello) : { rejected: 'no clients here' };
  }

  protected override ended(): void {
    this.log.crash();
    this.raft = undefined;
  }

  private say(line: LogEffect): void {
    this.told.effect?.(this.name, line);
    if (line.level !== 'debug') this.note(`${line.level} ${line.event} ${JSON.stringify(line.fields ?? {})}`);
  }
}
