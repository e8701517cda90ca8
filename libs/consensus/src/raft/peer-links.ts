import {
  type Env,
  type EventAt,
  type LinkEffect,
  type LinkEvent,
  type LinkId,
  type LogEffect,
  type LogLevel,
  type PeerHello,
  logged,
} from '#model';
import type { NodeId, RaftMessage } from './contract.js';
import { type RaftEnvelope, isEnvelope } from './envelope.js';
import type { Transport } from './transport.js';

export interface PeerLinksOptions {
  id: NodeId;
  /** Links to these are kept at all times, so that an election need not wait for one. */
  peers: readonly NodeId[];
  env: Pick<Env, 'nowMs' | 'random' | 'at'>;
  /** Whoever holds the links; told what to do with them, and telling `take` what happens to them. */
  perform: (effect: LinkEffect<RaftEnvelope>) => void;
  log?: (line: LogEffect) => void;
  /** Of this node's group; undefined while it knows nothing of one. */
  era?: () => number | undefined;
  /** A node of a later era has been met. Whether it is of the same cluster is for the host to judge. */
  onLaterEra?: (address: string, hello: PeerHello) => void;
}

/** A node that this one sends to. */
interface Peer {
  id: NodeId;
  link: LinkId | undefined;
  /** What it said of itself over that link. */
  hello: PeerHello | undefined;
  dialling: boolean;
  redial: (() => void) | undefined;
  pauseMs: number;
  /** What waits for the dial under way. */
  waiting: RaftMessage[];
  hasLost: boolean;
  sentAtMs: number;
  /** When the first message was sent that nothing has been heard after. */
  unansweredSinceMs: number | undefined;
}

const PAUSE_MIN_MS = 25;
const PAUSE_MAX_MS = 1_000;
/** Messages that wait for a link being dialled; Raft repeats what is dropped. */
const WAITING_MAX = 32;
/** Over a link that has been silent for so long while we were sending, nothing arrives; another is dialled. */
const SILENCE_MS = 3_000;
/** A node that is none of the first, and that nothing was sent to for so long, is no longer dialled. */
const FORGET_MS = 60_000;

/**
 * How the nodes of a group reach each other over links, where the id of a node is the address to dial. Each node sends
 * over the links it has dialled and hears over those it was dialled by, so that both directions mend by themselves.
 * What cannot be sent is dropped.
 */
export class PeerLinks implements Transport {
  private readonly peers = new Map<NodeId, Peer>();
  private readonly dialled = new Map<LinkId, Peer>();
  private readonly messageListeners = new Set<(from: NodeId, message: RaftMessage) => void>();
  private readonly lossListeners = new Set<(peer: NodeId) => void>();
  private closed = false;

  constructor(private readonly options: PeerLinksOptions) {}

  /** Dials the first peers, of which those that listen already can answer. */
  start(): void {
    for (const id of this.options.peers) if (id !== this.options.id) this.dial(this.peer(id));
  }

  send(to: NodeId, message: RaftMessage): void {
    if (this.closed) return;
    const { env } = this.options;
    const peer = this.peer(to);
    peer.sentAtMs = env.nowMs();
    if (peer.link !== undefined) return this.transmit(peer, peer.link, message);
    if (!peer.redial) this.dial(peer);
    if (peer.dialling && peer.waiting.length < WAITING_MAX) peer.waiting.push(message);
    else peer.hasLost = true;
  }

  /** What the node says of itself, over the link that there is with it just now. */
  helloOf(id: NodeId): PeerHello | undefined {
    return this.peers.get(id)?.hello;
  }

  onMessage(listener: (from: NodeId, message: RaftMessage) => void): () => void {
    this.messageListeners.add(listener);
    return () => this.messageListeners.delete(listener);
  }

  onUnreachable(listener: (peer: NodeId) => void): () => void {
    this.lossListeners.add(listener);
    return () => this.lossListeners.delete(listener);
  }

  /** Nothing is dialled, sent or told any more; closing the links is for whoever holds them. */
  close(): void {
    this.closed = true;
    for (const peer of this.peers.values()) peer.redial?.();
  }

  take(event: LinkEvent<RaftEnvelope>): void {
    if (this.closed) return;
    switch (event.type) {
      case 'linkUp':
        if (this.isOfOtherEra(event.hello)) return this.parted(event);
        return event.direction === 'out' ? this.linked(event) : undefined;
      case 'dialFailed':
        return this.failed(event.address, event.reason, event.message);
      case 'linkDown':
        return this.unlinked(event.link);
      case 'received':
        return this.received(event.link, event.message);
    }
  }

  private isOfOtherEra({ era }: { era?: number | undefined }): boolean {
    const own = this.options.era?.();
    return era !== undefined && own !== undefined && era !== own;
  }

  /** What one era has promised, another knows nothing of: no message may pass. */
  private parted({ link, direction, address, hello }: Extract<LinkEvent<never>, { type: 'linkUp' }>): void {
    const message = `The peer is of era ${hello.era} of the group, and this node of era ${this.options.era?.()}.`;
    this.options.perform({ type: 'hangUp', link, reason: message });
    if (direction === 'out') this.failed(address, 'rejected', message);
    if (hello.era! > this.options.era!()!) this.options.onLaterEra?.(address, hello);
  }

  private peer(id: NodeId): Peer {
    let peer = this.peers.get(id);
    if (!peer) {
      peer = {
        id,
        link: undefined,
        hello: undefined,
        dialling: false,
        redial: undefined,
        pauseMs: PAUSE_MIN_MS,
        waiting: [],
        hasLost: false,
        sentAtMs: this.options.env.nowMs(),
        unansweredSinceMs: undefined,
      };
      this.peers.set(id, peer);
    }
    return peer;
  }

  private dial(peer: Peer): void {
    if (this.closed || peer.dialling || peer.link !== undefined) return;
    peer.redial?.();
    peer.redial = undefined;
    peer.dialling = true;
    this.options.perform({ type: 'dial', address: peer.id });
  }

  private linked({ address, link, hello }: Extract<LinkEvent<never>, { type: 'linkUp' }>): void {
    const peer = this.peers.get(address)!;
    peer.dialling = false;
    peer.link = link;
    peer.hello = hello;
    peer.unansweredSinceMs = undefined;
    this.dialled.set(link, peer);
    this.note('debug', 'raft-linked', { peer: peer.id });
    for (const message of peer.waiting.splice(0)) this.transmit(peer, link, message);
    if (peer.hasLost) this.lost(peer);
  }

  private failed(address: string, reason: string, message: string): void {
    const peer = this.peers.get(address)!;
    peer.dialling = false;
    peer.waiting = [];
    // A peer that is not there is nothing new; one that refuses is somebody's mistake.
    if (reason === 'rejected') this.note('warn', 'raft-peer-rejected', { peer: peer.id, message });
    else this.note('debug', 'raft-dial-failed', { peer: peer.id, message });
    this.lost(peer);
    this.dialLater(peer);
  }

  private unlinked(link: LinkId): void {
    const peer = this.dialled.get(link);
    this.dialled.delete(link);
    if (!peer) return;
    peer.link = undefined;
    peer.hello = undefined;
    this.lost(peer);
    this.dialLater(peer);
  }

  private dialLater(peer: Peer): void {
    const { env, peers } = this.options;
    if (!peers.includes(peer.id) && env.nowMs() - peer.sentAtMs > FORGET_MS) {
      this.peers.delete(peer.id);
      return;
    }
    const pauseMs = peer.pauseMs * (0.5 + env.random() * 0.5);
    peer.pauseMs = Math.min(PAUSE_MAX_MS, peer.pauseMs * 2);
    peer.redial = env.at(env.nowMs() + pauseMs, () => this.dial(peer));
  }

  private lost(peer: Peer): void {
    peer.hasLost = false;
    for (const listener of this.lossListeners) listener(peer.id);
  }

  private transmit(peer: Peer, link: LinkId, message: RaftMessage): void {
    const { id, env, perform } = this.options;
    const nowMs = env.nowMs();
    peer.unansweredSinceMs ??= nowMs;
    if (nowMs - peer.unansweredSinceMs > SILENCE_MS)
      perform({ type: 'hangUp', link, reason: 'Nothing is heard from the peer.' });
    else perform({ type: 'send', link, message: { from: id, to: peer.id, ...this.era, message } });
  }

  private received(link: LinkId, envelope: unknown): void {
    if (!isEnvelope(envelope)) {
      this.note('warn', 'raft-message-refused', { peer: this.dialled.get(link)?.id });
      this.options.perform({ type: 'hangUp', link, reason: 'That is no message of Raft that is known here.' });
      return;
    }
    const { from, to, message } = envelope;
    if (to !== this.options.id) return;
    // The link may be older than what either side has learnt about its group.
    if (this.isOfOtherEra(envelope)) {
      this.note('warn', 'raft-other-era', { peer: from, theirs: envelope.era, ours: this.options.era?.() });
      this.options.perform({ type: 'hangUp', link, reason: 'The peer is of another era of the group.' });
      return;
    }
    this.heard(from);
    for (const listener of this.messageListeners) listener(from, message);
  }

  private get era(): { era?: number } {
    const era = this.options.era?.();
    return era === undefined ? {} : { era };
  }

  /** Whoever speaks is there: a pause in dialling it ends. */
  private heard(from: NodeId): void {
    const peer = this.peers.get(from);
    if (!peer) return;
    peer.unansweredSinceMs = undefined;
    peer.pauseMs = PAUSE_MIN_MS;
    if (peer.redial) this.dial(peer);
  }

  private note<Level extends LogLevel>(level: Level, event: EventAt<Level>, fields: Record<string, unknown>): void {
    this.options.log?.(logged(level, event, fields));
  }
}
