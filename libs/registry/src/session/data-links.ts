import type { DataToSession, LinkEvent, LinkId, Member, RelayToSession, SessionToData } from '#model';
import type { SessionContext } from './context.js';
import { CLOCK_EVERY_MS, LINK_SILENCE_MS, RELAY_AFTER_MS, TICK_MS, UNREACHABLE_MS } from './limits.js';
import { PeerClock } from './peer-clock.js';
import type { Times } from './propagation.js';
import { RelayRequests } from './relay-requests.js';
import type { Timer } from './timers.js';

/** A data server that the table names, by its address. */
interface Peer {
  address: string;
  link: LinkId | undefined;
  retryMs: number;
  redial: Timer | undefined;
}

interface DataLink {
  link: LinkId;
  /** Of the follower that passes on what is said to a leader out of reach, and the number of the relay. */
  via?: { link: LinkId; relay: number };
  address: string;
  incarnation: string;
  receivedAtMs: number;
  sentAtMs: number;
  operations: number;
  pings: number;
  clock: PeerClock;
}

/** What a data server says itself, whatever the way. */
export type SpokenByData = Exclude<DataToSession, RelayToSession>;

export interface DataLinksOwner {
  linkUp(incarnation: string, link: LinkId): void;
  linkGone(link: LinkId): void;
}

const REDIAL_MIN_MS = 50;
const REDIAL_MAX_MS = 2_000;

/**
 * One link to every data server of the table, dialled again for as long as the table names it. While a leader cannot be
 * reached, a follower that can be passes on what is said, one hop: that way is a link with a negative number, which no host
 * gives.
 */
export class DataLinks {
  private readonly peers = new Map<string, Peer>();
  private readonly dialling = new Set<string>();
  private readonly links = new Map<LinkId, DataLink>();
  private readonly byIncarnation = new Map<string, DataLink>();
  /** Members of the table that are gone, and whose place another incarnation at the same address has taken. */
  private readonly standIns = new Map<string, DataLink>();
  /** The addresses of the incarnations that the table names. */
  private named = new Map<string, string>();
  /** When each of them was last heard; before that, when it was first named. */
  private heardAtMs = new Map<string, number>();
  /** Those that follow something that the leader leads. */
  private followers: ReadonlyMap<string, ReadonlySet<string>> = new Map();
  private readonly relayRequests = new RelayRequests((link, message) => this.send(link, message));
  /** Members of which a connection was refused or broke since they were last taken. */
  private suspects = new Set<string>();

  constructor(
    private readonly context: SessionContext,
    private readonly owner: DataLinksOwner,
  ) {}

  linkOf(incarnation: string): LinkId | undefined {
    return (this.byIncarnation.get(incarnation) ?? this.standIns.get(incarnation))?.link;
  }

  has(link: LinkId): boolean {
    return this.links.has(link);
  }

  /** Members to which a connection was refused or broke since the last call. */
  takeSuspects(): Iterable<string> {
    const { suspects } = this;
    if (suspects.size > 0) this.suspects = new Set();
    return suspects;
  }

  /** Members that are silent for so long that meta should know; that they can be spoken to in another way does not count. */
  unreachable(): string[] {
    return [...this.named.keys()].filter((incarnation) => this.silenceMs(incarnation) >= UNREACHABLE_MS);
  }

  private silenceMs(incarnation: string): number {
    const data = this.byIncarnation.get(incarnation);
    const heardAtMs = data && !data.via ? data.receivedAtMs : -Infinity;
    return this.context.silenceMs(Math.max(this.heardAtMs.get(incarnation)!, heardAtMs));
  }

  /** Whether the table has the data server as a member. */
  isNamed(incarnation: string): boolean {
    return this.named.has(incarnation);
  }

  setMembers(members: Member[], followers: ReadonlyMap<string, ReadonlySet<string>>): void {
    this.followers = followers;
    const servers = members.filter((member) => member.role === 'data');
    this.named = new Map(servers.map((member) => [member.incarnation, member.address]));
    const { nowMs } = this.context;
    this.heardAtMs = new Map(servers.map(({ incarnation }) => [incarnation, this.heardAtMs.get(incarnation) ?? nowMs]));
    for (const incarnation of this.standIns.keys()) if (!this.named.has(incarnation)) this.standIns.delete(incarnation);
    this.relayRequests.keep((leader) => this.named.has(leader));
    for (const { via, link, incarnation } of [...this.links.values()])
      if (via && !this.named.has(incarnation)) this.hangUp(link, 'The table no longer names the leader.');
    const addresses = new Set(servers.map((member) => member.address));
    for (const [address, peer] of this.peers) {
      if (addresses.has(address)) continue;
      this.peers.delete(address);
      this.context.timers.cancel(peer.redial);
      const data = peer.link === undefined ? undefined : this.links.get(peer.link);
      if (!data) continue;
      this.release(data);
      this.hangUp(data.link, 'The table no longer names this server.');
    }
    for (const address of addresses) {
      if (this.peers.has(address)) continue;
      const peer: Peer = { address, link: undefined, retryMs: REDIAL_MIN_MS, redial: undefined };
      this.peers.set(address, peer);
      this.dial(peer);
    }
  }

  linkUp(event: Extract<LinkEvent<DataToSession>, { type: 'linkUp' }>): void {
    const { link, address, hello, direction } = event;
    if (direction === 'out') this.dialling.delete(address);
    const peer = direction === 'out' ? this.peers.get(address) : undefined;
    const data: DataLink = {
      link,
      address,
      incarnation: hello.incarnation,
      receivedAtMs: this.context.nowMs,
      sentAtMs: this.context.nowMs,
      operations: 0,
      pings: 0,
      clock: new PeerClock(),
    };
    this.links.set(link, data);
    if (!peer) return this.hangUp(link, 'The link is not wanted.');
    peer.link = link;
    const { clusterId } = this.context;
    if (hello.role !== 'data') return this.hangUp(link, `${address} is a ${hello.role} server, not a data server.`);
    if (hello.clusterId !== undefined && hello.clusterId !== clusterId) {
      this.context.log('warn', 'peer-of-other-cluster', { address, ours: clusterId, theirs: hello.clusterId });
      return this.hangUp(link, 'The data server belongs to another cluster.');
    }
    this.take(data);
  }

  private take(data: DataLink): void {
    const { incarnation, link } = data;
    this.relayRequests.giveUp(incarnation);
    const older = this.byIncarnation.get(incarnation);
    if (older) {
      this.release(older);
      this.hangUp(older.link, 'A newer link to the same server is up.');
    }
    this.byIncarnation.set(incarnation, data);
    this.askForTable(data);
    this.owner.linkUp(incarnation, link);
  }

  linkDown(link: LinkId): void {
    const data = this.links.get(link);
    if (!data) return;
    this.links.delete(link);
    this.relayRequests.linkDown(link);
    for (const relayed of [...this.links.values()]) if (relayed.via?.link === link) this.endRelay(relayed);
    // One that was given up here has been released before, and says nothing about the peer.
    if (this.byIncarnation.get(data.incarnation) === data) this.suspects.add(data.incarnation);
    this.release(data);
    const peer = this.peers.get(data.address);
    if (peer?.link === link) {
      peer.link = undefined;
      this.redialLater(peer);
    }
  }

  dialFailed({ address, reason }: Extract<LinkEvent<DataToSession>, { type: 'dialFailed' }>): void {
    this.dialling.delete(address);
    if (reason === 'refused')
      for (const [incarnation, at] of this.named) if (at === address) this.suspects.add(incarnation);
    const peer = this.peers.get(address);
    if (peer && peer.link === undefined) this.redialLater(peer);
  }

  /** Notes that the peer talks. False when the link is one we have given up. */
  received(link: LinkId): boolean {
    const data = this.links.get(link);
    if (!data) return false;
    data.receivedAtMs = this.context.nowMs;
    const peer = data.via ? undefined : this.peers.get(data.address);
    if (peer) peer.retryMs = REDIAL_MIN_MS;
    return this.byIncarnation.get(data.incarnation) === data;
  }

  /** What is in a message that a follower passes on, as if it came from the leader itself; any other as it is. */
  unwrap(link: LinkId, message: DataToSession): { link: LinkId; message: SpokenByData } | undefined {
    if (message.kind !== 'relayedOpen' && message.kind !== 'relayed' && message.kind !== 'relayedEnd')
      return { link, message };
    const { kind, relay } = message;
    if (kind === 'relayedOpen') return this.relayOpened(link, relay);
    const relayed = this.links.get(-relay);
    if (relayed?.via?.link !== link) return void this.relayRequests.answered(link, relay);
    if (kind === 'relayedEnd') return void this.endRelay(relayed);
    return this.received(relayed.link) ? { link: relayed.link, message: message.message as SpokenByData } : undefined;
  }

  /**
   * While meta is away, a restarted data server leads for the one that the table names at its address, which must be
   * dead. Once the table names it otherwise, or not at all, its word counts no more.
   */
  standIn(link: LinkId, incarnation: string): void {
    const data = this.links.get(link);
    if (!data || this.named.get(incarnation) !== data.address || this.named.has(data.incarnation)) return;
    const former = this.byIncarnation.get(incarnation);
    if (former) {
      this.release(former);
      this.hangUp(former.link, 'Another incarnation has taken its place.');
    }
    this.standIns.set(incarnation, data);
    this.context.log('warn', 'stand-in', { address: data.address, incarnation: data.incarnation, for: incarnation });
    this.owner.linkUp(incarnation, link);
  }

  send(link: LinkId, message: SessionToData): void {
    const data = this.links.get(link);
    if (!data) return;
    data.sentAtMs = this.context.nowMs;
    const { via } = data;
    if (via) this.send(via.link, { kind: 'relay', relay: via.relay, message });
    else this.context.emit({ type: 'send', link, message });
  }

  ponged(link: LinkId, { sequence, clockMs }: Extract<DataToSession, { kind: 'pong' }>): void {
    this.links.get(link)?.clock.answered(sequence, this.context.nowMs, clockMs);
  }

  clockOf(link: LinkId | undefined): PeerClock | undefined {
    return link === undefined ? undefined : this.links.get(link)?.clock;
  }

  /** A time of this server by the clock of the data server; undefined while that has not told it, or tells none. */
  toTheirs(link: LinkId, atMs: number): number | undefined {
    return this.links.get(link)?.clock.toTheirs(atMs);
  }

  /** The times that a data server tells, by the clock of this server. */
  times(link: LinkId | undefined, told: readonly number[] | undefined): Times | undefined {
    if (!told || link === undefined || !told.every(Number.isFinite)) return undefined;
    const clock = this.links.get(link)?.clock;
    const [acceptedAtMs, appliedAtMs] = told.map((atMs) => clock?.toOurs(atMs));
    return acceptedAtMs === undefined || appliedAtMs === undefined ? undefined : { acceptedAtMs, appliedAtMs };
  }

  /** By how much times of data servers may be wrong, at most. */
  get clockErrorMs(): number {
    return Math.max(0, ...Array.from(this.links.values(), ({ clock }) => clock.errorMs ?? 0));
  }

  nextSequence(link: LinkId): number {
    const data = this.links.get(link);
    return data ? ++data.operations : 0;
  }

  /** Both sides hear from each other at least once a tick, so silence means something. */
  tick(): void {
    const { nowMs } = this.context;
    for (const data of this.byIncarnation.values()) {
      const silenceMs = this.context.silenceMs(data.receivedAtMs);
      const isGivenUp = silenceMs >= RELAY_AFTER_MS && this.relaysTo(data.incarnation, data.via?.link).length > 0;
      if (silenceMs >= LINK_SILENCE_MS || isGivenUp) {
        this.hangUp(data.link, 'Nothing came for too long.');
        this.release(data);
        continue;
      }
      this.askForTable(data);
      const isQuiet = nowMs - data.receivedAtMs >= TICK_MS || nowMs - data.sentAtMs >= TICK_MS;
      if (!isQuiet && nowMs - data.clock.askedAtMs < CLOCK_EVERY_MS) continue;
      const sequence = ++data.pings;
      data.clock.asks(sequence, nowMs);
      this.send(data.link, { kind: 'ping', sequence });
    }
    for (const incarnation of this.followers.keys()) this.relayIfOutOfReach(incarnation);
  }

  /** The followers of a leader that can be reached. */
  private relaysTo(leader: string, besides?: LinkId): DataLink[] {
    if (!this.named.has(leader)) return [];
    return [...(this.followers.get(leader) ?? [])].flatMap((follower) => {
      const data = this.byIncarnation.get(follower);
      return data && !data.via && data.link !== besides && this.silenceMs(follower) < UNREACHABLE_MS ? [data] : [];
    });
  }

  private relayIfOutOfReach(leader: string): void {
    if (this.linkOf(leader) !== undefined) return;
    const relays = this.relaysTo(leader);
    const relay = relays[Math.floor(this.context.random() * relays.length)];
    if (relay && this.silenceMs(leader) >= RELAY_AFTER_MS) this.relayRequests.ask(leader, relay.link);
  }

  private relayOpened(link: LinkId, relay: number): undefined {
    const leader = this.relayRequests.answered(link, relay);
    const address = this.links.get(link)?.address;
    if (leader === undefined || address === undefined) return;
    const { nowMs } = this.context;
    const data: DataLink = {
      ...{ link: -relay, via: { link, relay }, address, incarnation: leader },
      ...{ receivedAtMs: nowMs, sentAtMs: nowMs, operations: 0, pings: 0, clock: new PeerClock() },
    };
    this.links.set(data.link, data);
    this.context.log('warn', 'leader-out-of-reach', { address: this.named.get(leader), via: address });
    this.take(data);
  }

  private endRelay(data: DataLink): void {
    this.links.delete(data.link);
    this.release(data);
  }

  /** A server that our table does not name has started anew, and may know of a newer table while we miss meta. */
  private askForTable(data: DataLink): void {
    if (!this.named.has(data.incarnation)) this.send(data.link, { kind: 'tableRequest' });
  }

  hangUp(link: LinkId, reason: string): void {
    const data = this.links.get(link);
    if (data?.via) {
      this.send(data.via.link, { kind: 'relayEnd', relay: data.via.relay });
      return this.endRelay(data);
    }
    this.context.emit({ type: 'hangUp', link, reason });
  }

  private release(data: DataLink): void {
    if (this.byIncarnation.get(data.incarnation) !== data) return;
    this.byIncarnation.delete(data.incarnation);
    if (this.named.has(data.incarnation) && !data.via) this.heardAtMs.set(data.incarnation, data.receivedAtMs);
    for (const [incarnation, standIn] of this.standIns) if (standIn === data) this.standIns.delete(incarnation);
    this.owner.linkGone(data.link);
  }

  private dial(peer: Peer): void {
    peer.redial = undefined;
    if (this.dialling.has(peer.address)) return;
    this.dialling.add(peer.address);
    this.context.emit({ type: 'dial', address: peer.address });
  }

  private redialLater(peer: Peer): void {
    const delayMs = peer.retryMs * (0.5 + this.context.random() / 2);
    peer.retryMs = Math.min(peer.retryMs * 2, REDIAL_MAX_MS);
    this.context.timers.cancel(peer.redial);
    peer.redial = this.context.timers.at(this.context.nowMs + delayMs, () => this.dial(peer));
  }
}
