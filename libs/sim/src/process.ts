import type { VirtualClock } from './clock.js';

/**
 * One life of a node: from start to exit or crash. Everything that happens inside a process passes through `deliver`,
 * so that a stopped process (SIGSTOP) does nothing and then finds everything waiting, and a dead one does nothing at
 * all, whatever is still under way to it.
 */
export class SimProcess {
  private state: 'running' | 'paused' | 'dead' = 'running';
  private backlog: (() => void)[] = [];

  constructor(
    /** The host it runs on. A restarted process is another object on the same host. */
    readonly host: string,
    private readonly clock: VirtualClock,
  ) {}

  get running(): boolean {
    return this.state === 'running';
  }

  get dead(): boolean {
    return this.state === 'dead';
  }

  deliver(run: () => void): void {
    if (this.state === 'dead') return;
    if (this.state === 'paused') this.backlog.push(run);
    else run();
  }

  /** Like `deliver`, but never within the caller's own turn. */
  defer(run: () => void): void {
    this.clock.at(this.clock.nowMs(), () => this.deliver(run));
  }

  timer(atMs: number, run: () => void): () => void {
    return this.clock.at(atMs, () => this.deliver(run));
  }

  pause(): void {
    if (this.state === 'running') this.state = 'paused';
  }

  resume(): void {
    if (this.state !== 'paused') return;
    this.state = 'running';
    const backlog = this.backlog;
    this.backlog = [];
    for (const run of backlog) this.deliver(run);
  }

  die(): void {
    this.state = 'dead';
    this.backlog = [];
  }
}
