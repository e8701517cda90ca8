import { PROTOCOL_VERSION, type Push } from '#model';
import { WireClient, frame } from '../frames.js';

interface Answer {
  id?: number;
  response?: unknown;
  err?: { code: string; message: string };
}

const HEARTBEAT_MS = 3_000;
const BEAT_EVERY_MS = 100;
/** The id of all heartbeats, whose answers nobody waits for. */
const BEAT = 0;

/**
 * The least that a client of Rollcall must do, on the sockets of the harness: it says hello, sends heartbeats, reads pushes
 * and acknowledges each. It keeps no list and verifies nothing, so thousands of them take little of the cores that are
 * measured, and what they take is what the clients of the floor take, and one small write for each push.
 */
export class ProtocolClient {
  private readonly waiting = new Map<number, (answer: Answer) => void>();
  private lastId = 0;
  /** When it was last heard: who acknowledges need not beat. */
  private spokeAtMs = 0;

  static async open(port: number): Promise<ProtocolClient> {
    const client = new ProtocolClient(await WireClient.open(port));
    await client.call('registry.hello', { protocol: PROTOCOL_VERSION });
    return client;
  }

  private constructor(readonly wire: WireClient) {
    wire.onMessage = (message) => this.receive(message as Answer);
    hearts.beat(this);
  }

  /** The first answer, or the failure. */
  call(pattern: string, data: object): Promise<unknown> {
    const id = ++this.lastId;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, ({ response, err }) => {
        this.waiting.delete(id);
        if (err) reject(new Error(`${pattern}: ${err.code}: ${err.message}`));
        else resolve(response);
      });
      this.wire.send({ pattern, data, id });
    });
  }

  /** Resolves with the first push. */
  subscribe(dataId: string, onPush: (push: Push) => void = () => {}, acks = true): Promise<void> {
    const id = ++this.lastId;
    const subscriptionId = `S${id}`;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, ({ response, err }) => {
        if (err) return reject(new Error(`registry.subscribe: ${err.code}: ${err.message}`));
        const push = response as Push;
        if (push.type === 'pending') return;
        if (acks) acknowledge(this, subscriptionId, push.version);
        onPush(push);
        resolve();
      });
      const data = { dataId, subscriptionId, deltas: true, acks };
      this.wire.send({ pattern: 'registry.subscribe', data, id });
    });
  }

  acknowledge(subscriptionId: string, version: string): void {
    this.spokeAtMs = performance.now();
    this.wire.sendFrame(acknowledgement(subscriptionId, version));
  }

  beat(): void {
    const nowMs = performance.now();
    if (nowMs - this.spokeAtMs < HEARTBEAT_MS) return;
    this.spokeAtMs = nowMs;
    this.wire.send({ pattern: 'registry.heartbeat', data: {}, id: BEAT });
  }

  close(): void {
    hearts.forget(this);
    this.wire.close();
  }

  private receive(answer: Answer): void {
    if (answer.id !== undefined) this.waiting.get(answer.id)?.(answer);
  }
}

let lastAcknowledgement: { subscriptionId: string; version: string; bytes: Buffer } | undefined;

/** Encoded once for all who say the same, as it would be by each of them on a core of its own. */
function acknowledgement(subscriptionId: string, version: string): Buffer {
  const last = lastAcknowledgement;
  if (last?.subscriptionId === subscriptionId && last.version === version) return last.bytes;
  const bytes = frame({ pattern: 'registry.ack', data: { subscriptionId, version } });
  lastAcknowledgement = { subscriptionId, version, bytes };
  return bytes;
}

let unacknowledged: { client: ProtocolClient; subscriptionId: string; version: string }[] = [];

/**
 * Acknowledges when all that has arrived is read. Users' clients do that each on a core of its own; here it must not keep
 * those from reading whose turn is next.
 */
function acknowledge(client: ProtocolClient, subscriptionId: string, version: string): void {
  if (unacknowledged.length === 0)
    setImmediate(() => {
      const all = unacknowledged;
      unacknowledged = [];
      for (const each of all) each.client.acknowledge(each.subscriptionId, each.version);
    });
  unacknowledged.push({ client, subscriptionId, version });
}

/** One timer for the heartbeats of all clients: a share of them each time. */
class Hearts {
  private readonly clients = new Set<ProtocolClient>();
  private timer: NodeJS.Timeout | undefined;
  private round: Iterator<ProtocolClient> | undefined;

  beat(client: ProtocolClient): void {
    this.clients.add(client);
    this.timer ??= setInterval(() => this.beatSome(), BEAT_EVERY_MS);
  }

  forget(client: ProtocolClient): void {
    this.clients.delete(client);
    if (this.clients.size > 0) return;
    clearInterval(this.timer);
    this.timer = undefined;
  }

  private beatSome(): void {
    const share = Math.ceil((this.clients.size * BEAT_EVERY_MS) / HEARTBEAT_MS);
    for (let i = 0; i < share; i++) {
      this.round ??= this.clients.values();
      const next = this.round.next();
      if (next.done) this.round = undefined;
      else next.value.beat();
    }
  }
}

const hearts = new Hearts();
