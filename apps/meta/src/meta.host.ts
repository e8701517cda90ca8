import type { Consensus } from '#consensus';
import { type Env, type FromMeta, type PeerHello, PROTOCOL_VERSION, type ToMeta, randomId } from '#model';
import { type Config, CoreRunner, type HostEffect, type LinkAcceptor, Links, type Logger, type Readiness } from '#nest';
import {
  MetaCore,
  type MetaCommand,
  type MetaEffect,
  type MetaEvent,
  type MetaResult,
  type MetaState,
  metaStateMachine,
} from '#registry';

export type MetaConsensus = Consensus<MetaCommand, MetaState, MetaResult>;

export interface MetaHostOptions {
  config: Config<'meta'>;
  env: Env;
  logger: Logger;
  consensus: MetaConsensus;
  fail: (error: unknown) => void;
}

/** Runs the brain of a meta server: links on one side, the consensus engine on the other, {@link MetaCore} between. */
export class MetaHost {
  private readonly links: Links<FromMeta, ToMeta>;
  private readonly incarnation: string;
  private readonly core: MetaCore;
  private readonly runner: CoreRunner<MetaEvent, MetaEffect>;
  private state: MetaState = metaStateMachine.initial();
  private stopped = false;
  private stopListening: () => void = () => {};

  constructor(private readonly options: MetaHostOptions) {
    const { config, env, logger, fail } = options;
    this.incarnation = randomId(env.random);
    this.links = new Links<FromMeta, ToMeta>({
      hello: () => this.hello(),
      onEvent: (event) => this.dispatch(event),
    });
    const { slotCount } = config.cluster;
    this.core = new MetaCore({ random: env.random, slotCount, limits: config.limits });
    this.runner = new CoreRunner<MetaEvent, MetaEffect>({
      core: this.core,
      env,
      logger,
      perform: (effect) => this.perform(effect),
      onFatal: fail,
    });
  }

  get acceptor(): LinkAcceptor {
    return this.links;
  }

  start(): void {
    this.runner.dispatch({ type: 'start' });
    void this.follow();
    this.stopListening = this.options.consensus.onLeadership(({ term, leading }) =>
      this.runner.dispatch({ type: 'leadership', term, leading }),
    );
  }

  dispatch(event: MetaEvent): void {
    this.runner.dispatch(event);
  }

  readiness(): Readiness {
    const { ready } = this.core.inspect(this.options.env.nowMs());
    return ready ? { ready } : { ready, waitingFor: 'this node to lead and to know what is committed' };
  }

  stop(): void {
    this.stopped = true;
    this.stopListening();
    this.dispatch({ type: 'stop' });
    this.runner.stop();
  }

  close(): Promise<void> {
    return this.links.close();
  }

  private hello(): PeerHello {
    const { clusterId } = this.state.table;
    const { incarnation } = this;
    return { protocol: PROTOCOL_VERSION, role: 'meta', incarnation, ...(clusterId === '' ? {} : { clusterId }) };
  }

  /** Hands every committed change to the core, in log order. */
  private async follow(): Promise<void> {
    const { consensus, fail } = this.options;
    try {
      for await (const item of consensus.watch(0)) {
        this.state = 'snapshot' in item ? item.snapshot : metaStateMachine.apply(this.state, item.change).state;
        this.runner.dispatch({ type: 'committed', index: item.index, state: this.state });
      }
    } catch (error) {
      if (!this.stopped) fail(error);
    }
  }

  private perform(effect: HostEffect<MetaEffect>): void {
    if (effect.type === 'propose') void this.propose(effect.sequence, effect.command);
    else this.links.perform(effect);
  }

  private async propose(sequence: number, command: MetaCommand): Promise<void> {
    try {
      const { result } = await this.options.consensus.propose({ client: this.incarnation, sequence }, command);
      this.dispatch({ type: 'proposed', sequence, outcome: { ok: true, result } });
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      this.dispatch({ type: 'proposed', sequence, outcome: { ok: false, message } });
    }
  }
}
