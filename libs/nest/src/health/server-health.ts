import { type Check, missingOf } from '#model';

/** What the brain of a server knows of whether it serves. */
export interface CheckedHost {
  checks(): readonly Check[];
}

/** Whether one process is up and serves, from its start to its stop. */
export class ServerHealth {
  private hasStarted = false;
  private isStopping = false;

  constructor(private readonly host: CheckedHost) {}

  /** What the process does by itself at its start is done. */
  started(): void {
    this.hasStarted = true;
  }

  /** It goes on serving whoever comes, and asks to be sent nobody any more. */
  stopping(): void {
    this.isStopping = true;
  }

  /** Waits for no other server, since one that does not start is started anew, and that would help nobody. */
  startup(): readonly Check[] {
    return [{ name: 'started', waitingFor: this.hasStarted ? undefined : 'the server to start' }];
  }

  ready(): readonly Check[] {
    const leaving = this.isStopping ? 'whoever uses it to see that it is about to stop' : undefined;
    return [...this.startup(), { name: 'staying', waitingFor: leaving }, ...this.host.checks()];
  }

  get isReady(): boolean {
    return missingOf(this.ready()) === undefined;
  }
}
