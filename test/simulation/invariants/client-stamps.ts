import type { ClientOperation, Stamp } from '#model';
import type { ClientMessage, Cluster, Transit } from '#sim';

/** Over which connection a stamp has travelled, and to which incarnation of a session server. */
export interface Travelled {
  connection: number;
  session: string;
}

/** The stamps that clients themselves have given their publications. Clients without stamps are not in it. */
export class ClientStamps {
  private readonly known = new Map<string, Map<string, Travelled>>();

  constructor(
    private readonly cluster: Cluster,
    private readonly twice: (registerId: string, first: Travelled, second: Travelled) => void = () => {},
  ) {}

  note({ to, connection, message }: Transit): void {
    const { pattern, payload } = message as Partial<ClientMessage>;
    if (pattern !== 'registry.apply') return;
    const session = this.cluster.sessions.find(({ name }) => name === to)?.incarnation ?? '';
    for (const { registerId, stamp } of (payload as { operations: ClientOperation[] }).operations) {
      if (!stamp || registerId === undefined) continue;
      let stamps = this.known.get(registerId);
      if (!stamps) this.known.set(registerId, (stamps = new Map()));
      const travelled = { connection, session };
      const first = stamps.get(stamp.join('.'));
      if (!first) stamps.set(stamp.join('.'), travelled);
      else if (first.connection !== connection) this.twice(registerId, first, travelled);
    }
  }

  /** Whether its client makes the stamps of the registration. */
  has(registerId: string): boolean {
    return this.known.has(registerId);
  }

  of(registerId: string, stamp: Stamp): Travelled | undefined {
    return this.known.get(registerId)?.get(stamp.join('.'));
  }
}
