import type { LinkEffect, LinkEvent, LinkId, PeerHello } from '#model';
import type { Accept, DialHandlers, SimNetwork, Socket } from './network.js';
import type { SimProcess } from './process.js';

/**
 * The opening of a connection: another server's hello, for one of the two kinds of links over a port, or a client, which
 * says hello by a request.
 */
export type Opening = { kind: LinkKind; hello: PeerHello } | { kind: 'client' };

/** `peer` between the tiers, `raft` between meta servers. */
export type LinkKind = 'peer' | 'raft';

export interface SimLinksOptions<Received> {
  kind: LinkKind;
  network: SimNetwork;
  process: SimProcess;
  /** What this server says of itself, asked anew for every link. */
  hello: () => PeerHello;
  onEvent: (event: LinkEvent<Received>) => void;
  /** How long a dial waits for an answer, where it is not as long as the network's own patience. */
  dialTimeoutMs?: number;
}

/** The links of one process, those it dials and those it accepts, behind the effects and events that the cores know. */
export class SimLinks<Sent, Received> {
  private readonly sockets = new Map<LinkId, Socket>();
  private nextLink = 1;

  constructor(private readonly options: SimLinksOptions<Received>) {}

  perform(effect: LinkEffect<Sent>): void {
    switch (effect.type) {
      case 'dial':
        return this.dial(effect.address);
      case 'hangUp':
        return this.sockets.get(effect.link)?.close(effect.reason);
      case 'send':
        return this.sockets.get(effect.link)?.send(effect.message);
    }
  }

  accept(hello: PeerHello): Accept {
    const own = this.options.hello();
    if (hello.clusterId && own.clusterId && hello.clusterId !== own.clusterId)
      return { rejected: `another cluster, ${own.clusterId}`, code: 'CLUSTER_MISMATCH' };
    let link: LinkId | undefined;
    return {
      answer: own,
      accepted: (socket) => {
        link = this.up(socket, 'in', `${socket.peer.process.host}:ephemeral`, hello);
      },
      handlers: {
        message: (message) => this.received(link!, message),
        down: () => this.down(link!),
      },
    };
  }

  private dial(address: string): void {
    const { kind, network, process, hello, onEvent, dialTimeoutMs } = this.options;
    let link: LinkId | undefined;
    const handlers: DialHandlers = {
      up: (socket, answer) => {
        link = this.up(socket, 'out', address, answer as PeerHello);
      },
      failed: (reason, message, code) =>
        onEvent({ type: 'dialFailed', address, reason, message, ...(code === undefined ? {} : { code }) }),
      message: (message) => this.received(link!, message),
      down: () => this.down(link!),
    };
    network.dial(process, address, { kind, hello: hello() } satisfies Opening, handlers, dialTimeoutMs);
  }

  private up(socket: Socket, direction: 'in' | 'out', address: string, hello: PeerHello): LinkId {
    const link = this.nextLink++;
    this.sockets.set(link, socket);
    this.options.onEvent({ type: 'linkUp', link, direction, address, hello });
    return link;
  }

  private received(link: LinkId, message: unknown): void {
    this.options.onEvent({ type: 'received', link, message: message as Received });
  }

  private down(link: LinkId): void {
    this.sockets.delete(link);
    this.options.onEvent({ type: 'linkDown', link });
  }
}
