import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { Histogram } from 'hdr-histogram-js';
import type { RaftStatus } from '#consensus';
import { Cluster, type Node, type Servers, endOnSignals } from '../cluster.js';
import { Gap } from '../harness/gap.js';
import { endConnections, request } from './request.js';

const POLL_MS = 2;
const TIMEOUT_MS = 60_000;

export interface Leader {
  node: Node;
  status: RaftStatus;
}

/** Three real meta servers, a data and a session server, on loopback, in a folder that goes with them. */
export class MetaGroup {
  private constructor(
    private readonly cluster: Servers,
    private readonly folder: string,
  ) {}

  static async start(env: Record<string, string> = {}): Promise<MetaGroup> {
    endOnSignals();
    const folder = await mkdtemp(join(tmpdir(), 'rollcall-failover-'));
    const cluster = await Cluster.open({ dir: folder, meta: 3, data: 1, session: 1, basePort: 0, env });
    await cluster.start();
    return new MetaGroup(cluster, folder);
  }

  get metas(): readonly Node[] {
    return this.cluster.of('meta');
  }

  get seeds(): string[] {
    return this.cluster.of('session').map(({ rpcAddress }) => rpcAddress);
  }

  async stop(): Promise<void> {
    endConnections();
    await this.cluster.stop();
    await rm(this.folder, { recursive: true, force: true });
  }
}

export async function statusOf(node: Node): Promise<RaftStatus | undefined> {
  return (await request(node, 'GET', '/v1/raft/status')) as RaftStatus | undefined;
}

/** The node that leads and has committed a command of its own: only then a leader is ready. Rejects after a minute without. */
export async function readyLeader(nodes: readonly Node[]): Promise<Leader> {
  const untilMs = performance.now() + TIMEOUT_MS;
  for (;;) {
    for (const node of nodes) {
      const status = await statusOf(node);
      if (status?.role === 'leader' && (await request(node, 'GET', '/health/ready'))) return { node, status };
    }
    if (performance.now() > untilMs) throw new Error(`No meta server led within ${TIMEOUT_MS} ms.`);
    await setTimeout(POLL_MS);
  }
}

export async function caughtUp(node: Node, commit: number): Promise<void> {
  const untilMs = performance.now() + TIMEOUT_MS;
  while (((await statusOf(node))?.applied ?? 0) < commit) {
    if (performance.now() > untilMs) throw new Error(`${node.name} had not caught up within ${TIMEOUT_MS} ms.`);
    await setTimeout(POLL_MS);
  }
}

/** Writes a value of the cluster through a meta server; whether that was acknowledged, which is when it is committed. */
export async function write(node: Node, value: string): Promise<boolean> {
  return (await request(node, 'PUT', '/v1/config/failover', { value })) !== undefined;
}

/** Writes through every meta server in turn, without pause, and remembers when each write was acknowledged. */
export class Writing {
  acknowledged = 0;
  refused = 0;
  private readonly gap = new Gap(performance.now());
  private readonly stopped = new AbortController();
  private readonly writers: Promise<void>[];

  constructor(nodes: readonly Node[], writers = 3) {
    this.writers = Array.from({ length: writers }, (_, i) => this.run(nodes, i));
  }

  /** The longest time without an acknowledgement since it was last asked. */
  takeLongestMs(): number {
    return this.gap.takeLongestMs(performance.now());
  }

  async stop(): Promise<void> {
    this.stopped.abort();
    await Promise.all(this.writers);
  }

  private async run(nodes: readonly Node[], first: number): Promise<void> {
    for (let i = first; !this.stopped.signal.aborted; i++) {
      if (await write(nodes[i % nodes.length]!, String(i))) {
        this.gap.happened(performance.now());
        this.acknowledged++;
      } else {
        this.refused++;
        await setTimeout(POLL_MS);
      }
    }
  }
}

export interface Spread {
  p50Ms: number;
  p99Ms: number;
  maxMs: number;
}

export function spreadOf(histogram: Histogram): Spread {
  return {
    p50Ms: histogram.getValueAtPercentile(50) / 1000,
    p99Ms: histogram.getValueAtPercentile(99) / 1000,
    maxMs: histogram.maxValue / 1000,
  };
}

export function formatSpread({ p50Ms, p99Ms, maxMs }: Spread): string {
  return `p50 ${p50Ms.toFixed(1)} ms  p99 ${p99Ms.toFixed(1)} ms  max ${maxMs.toFixed(1)} ms`;
}
