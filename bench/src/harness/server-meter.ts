import type { Meter } from '../workloads/workload.js';
import type { Result } from './load.js';
import { cpuMsOf, residentBytesOf } from './processes.js';

/** Processor time of servers, and of this process, between `begin` and `end`, and what memory the servers take. */
export class ServerMeter implements Meter {
  private readonly servers: { name: string; pid: number; startMs: number; usedMs: number }[];
  private startMs = 0;
  private wallMs = 0;
  private startOwn = process.cpuUsage();
  private ownMs = 0;

  constructor(pids: Readonly<Record<string, number>>) {
    this.servers = Object.entries(pids).map(([name, pid]) => ({ name, pid, startMs: 0, usedMs: 0 }));
  }

  begin(): void {
    for (const server of this.servers) server.startMs = cpuMsOf(server.pid);
    this.startOwn = process.cpuUsage();
    this.startMs = performance.now();
  }

  end(): void {
    this.wallMs += performance.now() - this.startMs;
    const { user, system } = process.cpuUsage(this.startOwn);
    this.ownMs += (user + system) / 1000;
    for (const server of this.servers) server.usedMs += cpuMsOf(server.pid) - server.startMs;
  }

  residentBytes(): number {
    return this.servers.reduce((sum, { pid }) => sum + residentBytesOf(pid), 0);
  }

  result(operations: number): Pick<Result, 'cores' | 'serversUs'> {
    const usedMs = this.servers.reduce((sum, server) => sum + server.usedMs, 0);
    return {
      cores: {
        servers: usedMs / this.wallMs,
        byServer: Object.fromEntries(this.servers.map((server) => [server.name, server.usedMs / this.wallMs])),
        load: this.ownMs / this.wallMs,
      },
      serversUs: (usedMs * 1000) / operations,
    };
  }
}
