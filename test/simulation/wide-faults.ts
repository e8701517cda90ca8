import type { Random } from '#model';
import { type Cluster, type DataHost, type SessionHost, isLive } from '#sim';

/** What a random run does to several servers at a time, or for long, and how often relative to everything else. */
export const WIDE_FAULTS = {
  killMachine: 0.6,
  killUnreplicated: 0.8,
  killAllSessions: 0.3,
  drainSession: 0.8,
  pauseForLong: 0.5,
  splitNetwork: 0.5,
  joinData: 0.6,
  leaveData: 0.6,
  failWarmDisk: 0.5,
};

export type WideFault = keyof typeof WIDE_FAULTS;

export function isWideFault(action: string): action is WideFault {
  return Object.hasOwn(WIDE_FAULTS, action);
}

/** Longer than every lease, silence and idle timeout. */
const LONG_MS = 10_000;
const MOST_DATA = 4;
const DRAIN_MS = 500;
const CUT_MS = 1_600;

/** Machines with several servers, whole tiers, and cuts through everybody; each is mended after a while. */
export class WideFaults {
  private made = 0;

  constructor(
    private readonly cluster: Cluster,
    private readonly random: Random,
    /** Does something after a while. */
    private readonly later: (run: () => void) => void,
    private readonly aWhileMs: () => number,
  ) {}

  perform(fault: WideFault): boolean {
    const { cluster } = this;
    switch (fault) {
      case 'killMachine':
        return this.killMachine(this.one(living(cluster.data)), this.one(living(cluster.sessions)));
      case 'killUnreplicated': {
        // What it takes in between none of the others gets.
        const data = this.one(living(cluster.data));
        for (const other of cluster.data) if (data && other !== data) cluster.partition(data.name, other.name, CUT_MS);
        this.republishSome();
        this.after(CUT_MS / 2, () => data && this.crash(data, 'kill'));
        return data !== undefined;
      }
      case 'killAllSessions':
        for (const session of living(cluster.sessions)) this.crash(session, 'kill');
        return true;
      case 'drainSession': {
        const session = this.one(living(cluster.sessions));
        session?.drain();
        // It may still be draining then, or stand still.
        this.later(() => this.later(() => session?.start()));
        if (this.random() < 0.2) this.later(() => session?.undrain());
        return session !== undefined;
      }
      case 'pauseForLong': {
        const server = this.one(cluster.servers.filter(({ running }) => running));
        if (server) cluster.pause(server.name, LONG_MS + this.random() * 5_000);
        return server !== undefined;
      }
      case 'splitNetwork':
        return this.split();
      case 'joinData':
        if (cluster.data.length >= MOST_DATA) return false;
        cluster.addData();
        return true;
      case 'leaveData': {
        const data = living(cluster.data);
        if (data.length < 2) return false;
        const leaving = this.one(data)!;
        leaving.stop(DRAIN_MS);
        // Longer than a drain, so that it does not begin before it has ended.
        this.later(() => this.later(() => leaving.start()));
        return true;
      }
      case 'failWarmDisk': {
        const { warmDisk } = this.one(cluster.data)!;
        warmDisk.isFailing = true;
        this.later(() => (warmDisk.isFailing = false));
        return true;
      }
    }
  }

  private republishSome(): void {
    for (const client of this.cluster.clients)
      for (const publisher of client.publishers.filter(isLive).slice(0, 2))
        publisher.republish([`http://10.0.0.2:${++this.made}`]);
  }

  /** A data and a session server on one machine. */
  private killMachine(data: DataHost | undefined, session: SessionHost | undefined): boolean {
    if (!data || !session) return false;
    const how = this.random() < 0.5 ? 'vanish' : 'kill';
    this.crash(data, how);
    this.crash(session, how);
    return true;
  }

  private crash(host: DataHost | SessionHost, how: 'kill' | 'vanish'): void {
    host.crash(how);
    this.later(() => host.start());
  }

  /** Into two or three parts, of which nobody reaches another. */
  private split(): boolean {
    const { cluster } = this;
    const parts = 2 + Math.floor(this.random() * 2);
    const nodes = [...cluster.servers, ...cluster.clients].map(({ name }) => ({
      name,
      part: Math.floor(this.random() * parts),
    }));
    const ms = this.aWhileMs();
    for (const [index, a] of nodes.entries())
      for (const b of nodes.slice(index + 1)) if (a.part !== b.part) cluster.partition(a.name, b.name, ms);
    return true;
  }

  private after(ms: number, run: () => void): void {
    this.cluster.world.at(this.cluster.nowMs + ms, run);
  }

  private one<T>(choices: readonly T[]): T | undefined {
    return choices[Math.floor(this.random() * choices.length)];
  }
}

function living<Host extends { dead: boolean }>(hosts: readonly Host[]): Host[] {
  return hosts.filter(({ dead }) => !dead);
}
