import type { LinkEffect, LinkId, Random, ReplicaToLeader } from '#model';
import type { Ping } from '../contract.js';

type Sent = ReplicaToLeader | Ping;

/** A data server that leads something we follow. */
interface Leader {
  readonly address: string;
  link: LinkId | undefined;
  /** The incarnation that has answered. */
  incarnation: string | undefined;
  isDialling: boolean;
  dialAtMs: number;
  pauseMs: number;
  heardAtMs: number;
  pingAtMs: number;
}

const PAUSE_MIN_MS = 50;
const PAUSE_MAX_MS = 2_000;
const PING_MS = 1_000;

/** The links that a data server dials to the leaders it follows, one an address, dialled again for as long as it is wanted. */
export class LeaderLinks {
  private readonly leaders = new Map<string, Leader>();
  private readonly byLink = new Map<LinkId, Leader>();
  /** Dials under way to addresses that may not be wanted any more. */
  private readonly dialling = new Set<string>();

  constructor(
    private readonly random: Random,
    private readonly silenceMs: number,
    private readonly emit: (effect: LinkEffect<Sent>) => void,
  ) {}

  /** From now on links to exactly these addresses are kept. */
  want(nowMs: number, addresses: ReadonlySet<string>): void {
    for (const [address, leader] of this.leaders) {
      if (addresses.has(address)) continue;
      this.leaders.delete(address);
      if (leader.link === undefined) continue;
      this.byLink.delete(leader.link);
      this.emit({ type: 'hangUp', link: leader.link, reason: 'Nothing is followed there any more.' });
    }
    for (const address of addresses) {
      if (this.leaders.has(address)) continue;
      this.leaders.set(address, {
        ...{ address, link: undefined, incarnation: undefined, isDialling: false },
        ...{ dialAtMs: nowMs, pauseMs: PAUSE_MIN_MS, heardAtMs: nowMs, pingAtMs: 0 },
      });
    }
    this.sweep(nowMs, nowMs);
  }

  /** True for the end of a dial that was made here. */
  owns(address: string): boolean {
    return this.dialling.has(address);
  }

  has(link: LinkId): boolean {
    return this.byLink.has(link);
  }

  linkTo(incarnation: string): LinkId | undefined {
    for (const leader of this.leaders.values()) if (leader.incarnation === incarnation) return leader.link;
    return undefined;
  }

  linkUp(nowMs: number, link: LinkId, address: string, incarnation: string): void {
    this.dialling.delete(address);
    const leader = this.leaders.get(address);
    if (!leader || leader.link !== undefined)
      return this.emit({ type: 'hangUp', link, reason: 'The link is not wanted.' });
    Object.assign(leader, { link, incarnation, isDialling: false, heardAtMs: nowMs, pingAtMs: nowMs + PING_MS });
    this.byLink.set(link, leader);
  }

  linkDown(nowMs: number, link: LinkId): void {
    const leader = this.byLink.get(link);
    this.byLink.delete(link);
    if (leader?.link === link) this.retry(nowMs, leader);
  }

  dialFailed(nowMs: number, address: string): void {
    this.dialling.delete(address);
    const leader = this.leaders.get(address);
    if (leader && leader.link === undefined) this.retry(nowMs, leader);
  }

  heard(nowMs: number, link: LinkId): void {
    const leader = this.byLink.get(link);
    if (!leader) return;
    leader.heardAtMs = nowMs;
    leader.pauseMs = PAUSE_MIN_MS;
  }

  /** Dials what is due, pings what is idle, and hangs up what has been silent; silence before `resumedAtMs` was our own. */
  sweep(nowMs: number, resumedAtMs: number): void {
    for (const leader of this.leaders.values()) {
      const { link, address } = leader;
      if (link === undefined) {
        if (leader.isDialling || this.dialling.has(address) || nowMs < leader.dialAtMs) continue;
        leader.isDialling = true;
        this.dialling.add(address);
        this.emit({ type: 'dial', address });
      } else if (nowMs - Math.max(leader.heardAtMs, resumedAtMs) > this.silenceMs) {
        this.byLink.delete(link);
        this.retry(nowMs, leader);
        this.emit({ type: 'hangUp', link, reason: 'Nothing came over the link for too long.' });
      } else if (nowMs >= leader.pingAtMs) {
        leader.pingAtMs = nowMs + PING_MS;
        this.emit({ type: 'send', link, message: { kind: 'ping', sequence: 0 } });
      }
    }
  }

  private retry(nowMs: number, leader: Leader): void {
    leader.link = undefined;
    leader.incarnation = undefined;
    leader.isDialling = false;
    leader.dialAtMs = nowMs + leader.pauseMs * (0.5 + this.random() / 2);
    leader.pauseMs = Math.min(leader.pauseMs * 2, PAUSE_MAX_MS);
  }
}
