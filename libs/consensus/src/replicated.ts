import type { StateMachine } from './contract.js';

/** A command as the log holds it. */
export interface Proposal<Command> {
  client: string;
  sequence: number;
  command: Command;
}

/** `superseded`: the client has proposed a later sequence since, so this one must not be applied, and its result is gone. */
export type Applied<Result> =
  { status: 'applied' | 'repeated'; index: number; result: Result } | { status: 'superseded'; lastSequence: number };

/** What a snapshot holds; it must survive the codec. */
export interface ReplicatedImage<State, Result> {
  state: State;
  clients: [client: string, last: ClientRecord<Result>][];
}

interface ClientRecord<Result> {
  sequence: number;
  index: number;
  result: Result;
}

/**
 * The state machine together with what was answered to each client last. Both are a function of the log alone, so every
 * node knows alike what has been applied already, also after a restart and from a snapshot.
 */
export class Replicated<Command, State, Result> {
  private current: State;
  /** In the order in which the clients last proposed. */
  private readonly clients: Map<string, ClientRecord<Result>>;

  /** @param maxClients beyond which the client silent for longest is forgotten; part of what is replicated */
  constructor(
    private readonly machine: StateMachine<Command, State, Result>,
    private readonly maxClients: number,
    image?: ReplicatedImage<State, Result>,
  ) {
    this.current = image ? (machine.restore?.(image.state) ?? image.state) : machine.initial();
    this.clients = new Map(image?.clients);
  }

  get state(): State {
    return this.current;
  }

  apply(index: number, { client, sequence, command }: Proposal<Command>): Applied<Result> {
    const last = this.clients.get(client);
    if (last?.sequence === sequence) return { status: 'repeated', index: last.index, result: last.result };
    if (last && last.sequence > sequence) return { status: 'superseded', lastSequence: last.sequence };
    const { state, result } = this.machine.apply(this.current, command);
    this.current = state;
    this.clients.delete(client);
    this.clients.set(client, { sequence, index, result });
    if (this.clients.size > this.maxClients) this.clients.delete(this.clients.keys().next().value!);
    return { status: 'applied', index, result };
  }

  image(): ReplicatedImage<State, Result> {
    return { state: this.current, clients: [...this.clients] };
  }
}
