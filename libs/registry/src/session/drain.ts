import type { SessionContext } from './context.js';
import { WAVE_EVERY_MS } from './limits.js';

/** What a drain needs of the connections. */
export interface DrainedClients {
  /** Those that are served. */
  readonly count: number;
  /** How many other session servers there are to go to. */
  readonly elsewhere: number;
  /** From now on clients are not told of those at these addresses, this one included while it is drained. */
  leave(addresses: readonly string[]): void;
  /** Asks so many of those to go who have not been asked yet. */
  moveSome(most: number): void;
}

/**
 * Sends the clients of this server elsewhere before it stops: so many in a second, so that whoever takes them is not run
 * over. Those who come meanwhile are refused. With nobody to send them to, they stay, and whoever comes is served.
 */
export class Drain {
  isOn = false;
  private isDone = false;
  /** Tells the waves of one drain from those of another. */
  private number = 0;

  constructor(
    private readonly context: SessionContext,
    private readonly clients: DrainedClients,
  ) {}

  /** Clients are sent away. */
  get isSending(): boolean {
    return this.isOn && this.clients.elsewhere > 0;
  }

  /** Said again, it has as much time again, and ends at once where all is done. */
  begin(leaving: readonly string[]): void {
    this.isOn = true;
    this.isDone = false;
    const number = ++this.number;
    this.clients.leave([this.context.self.address, ...leaving]);
    const { count: clients, elsewhere } = this.clients;
    this.context.log('info', 'drain-began', { clients, elsewhere });
    if (elsewhere === 0) return this.end();
    this.context.timers.at(this.context.nowMs + this.context.limits.drainMs, () => {
      if (this.number === number) this.end();
    });
    this.wave(number);
  }

  undo(): void {
    if (!this.isOn) return;
    this.isOn = false;
    this.number++;
    this.clients.leave([]);
    this.context.log('info', 'drain-undone', { clients: this.clients.count });
  }

  /** Goes on after the end, for whoever is left of a server that nobody stops. */
  private wave(number: number): void {
    if (this.number !== number) return;
    const { movesPerSecond } = this.context.limits;
    if (this.isSending) this.clients.moveSome(Math.max(1, Math.ceil((movesPerSecond * WAVE_EVERY_MS) / 1_000)));
    if (this.clients.count === 0) this.end();
    this.context.timers.at(this.context.nowMs + WAVE_EVERY_MS, () => this.wave(number));
  }

  private end(): void {
    if (this.isDone) return;
    this.isDone = true;
    this.context.log('info', 'drained', { clientsLeft: this.clients.count });
    this.context.emit({ type: 'drained' });
  }
}
