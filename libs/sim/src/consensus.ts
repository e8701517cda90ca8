import type { SimDisk } from './disk.js';
import type { SimProcess } from './process.js';

export interface Machine<Command, State, Result> {
  initial(): State;
  apply(state: State, command: Command): { state: State; result: Result };
}

export interface LogHandlers<State, Result> {
  leadership(term: number, leading: boolean): void;
  committed(index: number, state: State): void;
  proposed(sequence: number, outcome: { ok: true; result: Result } | { ok: false; message: string }): void;
}

/**
 * Meta's engine for one node: a log on the simulated disk, committed one sync after the proposal. The order is persist,
 * apply, answer; a crash may fall between any two, so that a command can be in the log though its proposer never heard.
 */
export class SimLog<Command, State, Result> {
  private state: State;
  private index = 0;
  private leading = false;
  private busyUntilMs = 0;

  constructor(
    private readonly machine: Machine<Command, State, Result>,
    private readonly disk: SimDisk,
    private readonly process: SimProcess,
    private readonly handlers: LogHandlers<State, Result>,
    private readonly nowMs: () => number,
    private readonly syncMs: () => number,
  ) {
    this.state = machine.initial();
  }

  /** Gives the recovered state, then leadership of a new term. */
  start(): void {
    const log = this.disk.read<Command[]>('log') ?? [];
    for (const command of log) this.state = this.machine.apply(this.state, command).state;
    this.index = log.length;
    this.handlers.committed(this.index, this.state);
    const term = (this.disk.read<number>('term') ?? 0) + 1;
    this.disk.writeSync('term', term);
    this.process.timer(this.nowMs() + this.syncMs(), () => {
      this.leading = true;
      this.handlers.leadership(term, true);
    });
  }

  propose(sequence: number, command: Command): void {
    if (!this.leading) {
      this.process.defer(() => this.handlers.proposed(sequence, { ok: false, message: 'not leading' }));
      return;
    }
    this.busyUntilMs = Math.max(this.busyUntilMs, this.nowMs()) + this.syncMs();
    this.process.timer(this.busyUntilMs, () => {
      this.disk.writeSync('log', [...(this.disk.read<Command[]>('log') ?? []), command]);
      const applied = this.machine.apply(this.state, command);
      this.state = applied.state;
      this.index++;
      this.handlers.committed(this.index, this.state);
      this.process.timer(this.nowMs() + this.syncMs() / 10, () =>
        this.handlers.proposed(sequence, { ok: true, result: applied.result }),
      );
    });
  }
}
