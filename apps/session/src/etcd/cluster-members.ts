import { hashOf } from '#etcd';
import type { About } from '#model';
import { askPeers } from '../http/ask-peers.js';
import type { SessionHost } from '../session.host.js';
import type { EtcdMember, EtcdMembers } from './members.js';

/** As long as that, the others are not asked again; clients ask each minute or so, and there may be many of them. */
const KEEP_MS = 5_000;

/**
 * The session servers that serve clients of etcd, each as it tells of itself by `/version`. One that does not answer is left out:
 * whoever is told of it would go there.
 */
export class ClusterMembers implements EtcdMembers {
  private kept: { untilMs: number; members: Promise<EtcdMember[]> } | undefined;

  constructor(
    private readonly host: SessionHost,
    private readonly own: () => string,
  ) {}

  list(): Promise<EtcdMember[]> {
    const { nowMs } = this.host.clocks;
    if (!this.kept || this.kept.untilMs <= nowMs) this.kept = { untilMs: nowMs + KEEP_MS, members: this.ask() };
    return this.kept.members;
  }

  private async ask(): Promise<EtcdMember[]> {
    const { incarnation: self = '' } = this.host.identity();
    const members = this.host.core?.table?.members ?? [];
    const sessions = members.filter(({ role, incarnation }) => role === 'session' && incarnation !== self);
    const others = await askPeers<About>(sessions, '/version');
    const serving = [
      { incarnation: self, address: this.own() },
      ...others.flatMap(({ report }) =>
        report?.etcdAddress && report.incarnation
          ? [{ incarnation: report.incarnation, address: report.etcdAddress }]
          : [],
      ),
    ];
    return serving
      .map(({ incarnation, address }) => ({ id: hashOf(incarnation), name: address, address }))
      .toSorted((a, b) => (a.address < b.address ? -1 : 1));
  }
}
