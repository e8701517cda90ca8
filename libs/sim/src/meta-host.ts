import type { Core, Random } from '#model';
import type { MetaCommand, MetaEffect, MetaEvent, MetaOptions, MetaResult, MetaState } from '#registry';
import { type Machine, SimLog } from './consensus.js';
import type { Accept } from './network.js';
import { type HostObserver, ServerHost } from './server-host.js';
import type { World } from './world.js';

export interface MetaHostOptions {
  makeCore: (options: MetaOptions) => Core<MetaEvent, MetaEffect>;
  machine: Machine<MetaCommand, MetaState, MetaResult>;
  options: Omit<MetaOptions, 'random'>;
}

/** The sequence of what others than the core propose. */
const NOT_OF_THE_CORE = 0;

/** The meta tier's host: its core proposes to a log on the simulated disk. */
export class MetaHost extends ServerHost<MetaEvent, MetaEffect> {
  /** The state last committed, for the test to look at. */
  state: MetaState;
  protected override readonly dialTimeoutMs = 1_000;
  private log: SimLog<MetaCommand, MetaState, MetaResult> | undefined;

  constructor(
    name: string,
    world: World,
    observer: HostObserver,
    private readonly settings: MetaHostOptions,
  ) {
    super(name, 'meta', world, observer);
    this.state = settings.machine.initial();
  }

  protected override makeCore(random: Random): Core<MetaEvent, MetaEffect> {
    const syncMs = this.world.fork();
    this.log = new SimLog(
      this.settings.machine,
      this.disk,
      this.process,
      {
        leadership: (term, leading) => this.step({ type: 'leadership', term, leading }),
        committed: (index, state) => {
          this.state = state;
          this.clusterId = state.table.clusterId || undefined;
          this.step({ type: 'committed', index, state });
        },
        proposed: (sequence, outcome) => this.step({ type: 'proposed', sequence, outcome }),
      },
      () => this.world.nowMs(),
      () => 0.5 + syncMs() * 5,
    );
    return this.settings.makeCore({ ...this.settings.options, random });
  }

  /** What an operator has asked for: committed like anything that the core proposes, and only while this node leads. */
  operate(command: MetaCommand): void {
    this.note(`is asked for ${JSON.stringify(command)}`);
    this.log?.propose(NOT_OF_THE_CORE, command);
  }

  protected override started(): void {
    this.log?.start();
  }

  protected override performOwn(effect: MetaEffect): void {
    if (effect.type !== 'propose') throw new Error(`Unknown effect of meta: ${effect.type}`);
    this.note(`proposes ${JSON.stringify(effect.command).slice(0, 160)}`);
    this.log?.propose(effect.sequence, effect.command);
  }

  protected override acceptClient(): Accept {
    return { rejected: 'no clients here' };
  }
}
