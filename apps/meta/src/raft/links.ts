import { type NodeId, PeerLinks, type RaftEnvelope } from '#consensus';
import { type Env, type Failure, PROTOCOL_VERSION, VERSION, areNeighbours, failure, randomId } from '#model';
import { type LinkAcceptor, Links, type Logger, type RollcallServer } from '#nest';

export interface RaftLinksOptions {
  id: NodeId;
  /** Links to these are kept at all times, so that an election need not wait for one. */
  peers: readonly NodeId[];
  env: Env;
  logger: Logger;
  /** The highest that this node supports. */
  featureLevel: number;
  /** Of this node's group; undefined while it knows nothing of one. */
  era: () => number | undefined;
  /** The group of this cluster lives on in a later era, of which this node is no part. */
  onSuperseded: (by: { address: string; era: number }) => void;
}

/** The links between meta nodes, over the port at which members reach them too; what they are for is in {@link PeerLinks}. */
export class RaftLinks implements LinkAcceptor {
  /** Once it is known, no links are kept with nodes of another cluster. */
  clusterId: string | undefined;
  /** What the log says, committed or not: enough to know whose later era it is that another node tells of. */
  loggedClusterId: string | undefined;
  readonly transport: PeerLinks;
  private readonly links: Links<RaftEnvelope, RaftEnvelope>;

  constructor({ id, peers, env, logger, featureLevel, era, onSuperseded }: RaftLinksOptions) {
    const incarnation = randomId(env.random);
    this.links = new Links<RaftEnvelope, RaftEnvelope>({
      name: 'raft',
      acceptRoles: ['meta'],
      refuse: ({ version }) => (areNeighbours(version, VERSION) ? undefined : tooFar(version)),
      hello: () => {
        const { clusterId } = this;
        const life = era();
        return {
          protocol: PROTOCOL_VERSION,
          role: 'meta',
          incarnation,
          version: VERSION,
          featureLevel,
          ...(clusterId ? { clusterId } : {}),
          ...(life === undefined ? {} : { era: life }),
        };
      },
      onEvent: (event) => this.transport.take(event),
    });
    this.transport = new PeerLinks({
      id,
      peers,
      env,
      perform: (effect) => this.links.perform(effect),
      log: (line) => logger.line(line),
      era,
      onLaterEra: (address, hello) => {
        const own = this.clusterId ?? this.loggedClusterId;
        // Until both know their cluster nobody can tell; they meet again.
        if (own !== undefined && hello.clusterId === own) onSuperseded({ address, era: hello.era! });
      },
    });
  }

  accept(server: RollcallServer): void {
    this.links.accept(server);
  }

  close(): Promise<void> {
    this.transport.close();
    return this.links.close();
  }
}

/** Neither side knows what the other may send, so neither votes nor follows. */
function tooFar(version: string | undefined): Failure {
  const message =
    `A meta server of version ${version} and one of version ${VERSION} are more than one minor version apart. Upgrade one ` +
    'minor version at a time.';
  return failure('UNSUPPORTED_VERSION', message, { details: { versions: [version, VERSION] } });
}
