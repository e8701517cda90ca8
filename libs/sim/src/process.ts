import type { VirtualClock } from './clock.js';

interface Delivery {
  /** When it came in. */
  atMs: number;
  run: () => void;
}

/**
 * One life of a node: from start to exit or crash. Everything that happens inside a process passes through `deliver`,
 * so that a stopped process (SIGSTOP) does nothing and then finds everything waiting, and a dead one does nothing at
 * all, whatever is still under way to it.
 */
export class SimProcess {
  private state: 'running' | 'paused' | 'dead' = 'running';
  private backlog: Delivery[] = [];
  /** When what is delivered now came in. */
  private cameAtMs: number | undefined;
  private costMs = 0;
  private isBusy = false;

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

  /** All that had come in by then has been delivered. */
  get readUntilMs(): number {
    return this.cameAtMs ?? this.backlog[0]?.atMs ?? this.clock.nowMs();
  }

  /** Somebody connects. Of a process that is only slow, the kernel answers. */
  accept(run: () => void): void {
    if (this.state === 'running' && this.costMs > 0) run();
    else this.deliver(run);
  }

  deliver(run: () => void, atMs = this.clock.nowMs()): void {
    if (this.state === 'dead') return;
    if (this.state === 'running' && this.costMs === 0 && this.backlog.length === 0) return this.work({ atMs, run });
    this.backlog.push({ atMs, run });
    this.workOff();
  }

  /** From now on each thing that comes in takes so long, and what comes meanwhile waits for its turn. */
  slowDown(costMs: number): void {
    this.costMs = costMs;
  }

  private workOff(): void {
    if (this.isBusy || this.state !== 'running' || this.backlog.length === 0) return;
    this.isBusy = true;
    this.clock.at(this.clock.nowMs() + this.costMs, () => {
      this.isBusy = false;
      const next = this.state === 'running' ? this.backlog.shift() : undefined;
      if (next) this.work(next);
      this.workOff();
    });
  }

  private work({ atMs, run }: Delivery): void {
    const { cameAtMs } = this;
    this.cameAtMs ??= atMs;
    try {
      run();
    } finally {
      this.cameAtMs = cameAtMs;
    }
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
    for (const { atMs, run } of backlog) this.deliver(run, atMs);
  }

  die(): void {
    this.state = 'dead';
    this.backlog = [];
  }
}
