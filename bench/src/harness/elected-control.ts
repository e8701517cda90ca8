import type { Control, Kind } from './control.js';
import type { ServerProcesses } from './server-processes.js';
import { Victims } from './victims.js';

export interface Elected {
  readonly names: readonly string[];
  /** Who leads now; undefined while nobody does. */
  leader(): Promise<string | undefined>;
  /** Whether all are there, and have caught up. */
  isWell(): Promise<boolean>;
}

/** Of servers that elect one of themselves, and that clients are connected to, all of them. */
export class ElectedControl implements Control {
  readonly kinds: readonly Kind[] = ['leader', 'edge'];
  private readonly victims = new Victims();

  constructor(
    private readonly processes: ServerProcesses,
    private readonly servers: Elected,
  ) {}

  async kill(kind: Kind): Promise<string> {
    const leader = await this.servers.leader();
    if (leader === undefined) throw new Error('Nobody leads.');
    if (!this.kinds.includes(kind)) throw new Error(`There is no ${kind} among these servers.`);
    const victim = this.victims.next(this.servers.names.filter((name) => (name === leader) === (kind === 'leader')));
    await this.processes.kill(victim);
    return victim;
  }

  async restart(name: string): Promise<void> {
    this.processes.startAgain(name);
    await this.processes.ready(
      async () => (await this.servers.isWell()) && (await this.servers.leader()) !== undefined,
    );
  }
}
