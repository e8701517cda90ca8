import type { ClientStatus } from './contract.js';

/** In which state the client is, since when and why. */
export class Status {
  private held: ClientStatus = {
    ...{ state: 'connecting', sinceMs: 0, reason: 'started', message: 'No server has been reached yet.', attempts: 0 },
  };

  get current(): ClientStatus {
    return this.held;
  }

  started(nowMs: number): void {
    this.held = { ...this.held, sinceMs: nowMs };
  }

  /** Undefined where that is the state already. */
  enter(next: Omit<ClientStatus, 'attempts' | 'lastFailure'>): ClientStatus | undefined {
    if (next.state === this.held.state) return undefined;
    return (this.held = { ...next, attempts: 0 });
  }

  /** A dial came to nothing. */
  failed(message: string): void {
    this.held = { ...this.held, attempts: this.held.attempts + 1, lastFailure: message };
  }
}
