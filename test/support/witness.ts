import { setTimeout } from 'node:timers/promises';
import { FEATURE_LEVEL as featureLevel, type FromMeta, PROTOCOL_VERSION, type ToMeta } from '#model';
import { Links } from '#nest';

let witnesses = 0;

/**
 * A session server in name: it is a member of the cluster, and says what the test wants meta to hear. It should leave
 * within some seconds, since it reconciles with no slot leader.
 */
export class Witness {
  private readonly incarnation = `witness-${++witnesses}`;
  private link: number | undefined;
  private hasJoined = false;
  private heartbeats = 0;
  private readonly links: Links<ToMeta, FromMeta>;

  /** Resolves once it is a member. */
  static async join(meta: string): Promise<Witness> {
    const witness = new Witness(meta);
    while (!witness.hasJoined) await setTimeout(10);
    return witness;
  }

  private constructor(meta: string) {
    const { incarnation } = this;
    // Nobody listens there, nor needs to.
    const address = `127.0.0.1:${witnesses}`;
    this.links = new Links<ToMeta, FromMeta>({
      hello: () => ({ protocol: PROTOCOL_VERSION, role: 'session', incarnation }),
      onEvent: (event) => {
        if (event.type === 'linkUp') {
          this.link = event.link;
          const member = {
            role: 'session' as const,
            incarnation,
            address,
            httpAddress: address,
            zone: 'z',
            weight: 1,
            featureLevel,
          };
          this.send({ kind: 'join', member });
        }
        if (event.type === 'received' && event.message.kind === 'joined') this.hasJoined = true;
      },
    });
    this.links.perform({ type: 'dial', address: meta });
  }

  suspect(incarnation: string): void {
    this.send({ kind: 'suspect', incarnation });
  }

  /** Names the data servers that it cannot reach. */
  heartbeat(unreachable: string[]): void {
    const { incarnation } = this;
    this.send({ kind: 'heartbeat', incarnation, sequence: ++this.heartbeats, tableEpoch: 0, unreachable });
  }

  /** Goes as planned. */
  async leave(): Promise<void> {
    this.send({ kind: 'leave', incarnation: this.incarnation });
    await this.links.close();
  }

  private send(message: ToMeta): void {
    this.links.perform({ type: 'send', link: this.link!, message });
  }
}
