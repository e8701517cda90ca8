import { type Failure, type Random, failure } from '#model';
import type { SimApplication, SimPublisher } from './application.js';
import type { Socket } from './network.js';
import { SimProcess } from './process.js';
import type { ServerMessage } from './session-host.js';
import type { World } from './world.js';

export type Answer = { ok: true; response: Record<string, unknown> } | { ok: false; failure: Failure };

const ANSWER_WITHIN_MS = 5_000;
const HEARTBEAT_MS = 3_000;
const RETRY_MS = 300;

/** What the two kinds of application without the client core have in common: a process, and requests of its own. */
abstract class RawClient implements SimApplication {
  readonly publishers: SimPublisher[] = [];
  closed = false;
  protected readonly process: SimProcess;
  protected readonly random: Random;

  constructor(
    readonly name: string,
    protected readonly world: World,
    /** Addresses of the session servers. */
    private readonly sessions: () => string[],
  ) {
    this.process = new SimProcess(name, world.clock);
    this.random = world.fork();
  }

  get running(): boolean {
    return this.process.running;
  }

  get dead(): boolean {
    return this.process.dead;
  }

  connectedTo(): { host: string; connection: number } | undefined {
    return undefined;
  }

  crash(): void {
    if (this.process.dead) return;
    this.note('is killed');
    this.process.die();
    this.world.network.processDied(this.process);
  }

  protected anySession(): string {
    const sessions = this.sessions();
    return sessions[Math.floor(this.random() * sessions.length)]!;
  }

  protected after(ms: number, run: () => void): void {
    this.process.timer(this.world.nowMs() + ms, run);
  }

  protected note(text: string): void {
    this.world.transcript.note(this.name, text);
  }
}

/**
 * Somebody with `curl`: registers by a lease, renews it in time through any session server, registers again when told
 * that it is not registered, and tries again elsewhere when refused.
 */
export class SimCurl extends RawClient {
  /** Answers by kind: how often each request succeeded, or failed with which code. */
  readonly answers = new Map<string, number>();
  private registerId: string | undefined;

  /** A registration kept up until `remove` or the end of the process. */
  register(dataInfoId: string, body: { dataId: string; zone: string; data: string[]; leaseMs: number }): SimPublisher {
    const publisher: SimPublisher = {
      client: this,
      registerId: `~${this.name}`,
      dataInfoId,
      zone: body.zone,
      data: body.data,
      outcomes: [],
      republish: (data) => {
        publisher.data = data;
        this.process.deliver(() => post());
      },
      unpublish: () => {
        publisher.data = undefined;
        this.process.deliver(() => this.remove());
      },
    };
    const post = (): void => {
      const { data } = publisher;
      if (!data) return;
      this.note(`posts ${body.dataId} ${JSON.stringify(data)}`);
      this.ask('http.publish', { ...body, registerId: this.name, data }, (answer) => {
        if (publisher.data === undefined) return;
        // What was posted may be old by now: then the newer post is on its way, and counts.
        if (publisher.data !== data) return;
        if (!answer.ok) return this.after(RETRY_MS, post);
        this.registerId = answer.response['registerId'] as string;
        (publisher as { registerId: string }).registerId = this.registerId;
        publisher.outcomes.push({ ok: true, stored: true });
        this.after(body.leaseMs / 3, () => renew(data));
      });
    };
    const renew = (data: string[]): void => {
      if (publisher.data !== data) return;
      this.ask('http.renew', { registerId: this.registerId }, (answer) => {
        if (answer.ok) this.after(body.leaseMs / 3, () => renew(data));
        else if (answer.failure.code === 'NOT_REGISTERED') post();
        else this.after(RETRY_MS, () => renew(data));
      });
    };
    this.publishers.push(publisher);
    this.process.deliver(post);
    return publisher;
  }

  private remove(): void {
    this.note('deletes');
    if (this.registerId === undefined) return;
    this.ask('http.unpublish', { registerId: this.registerId }, (answer) => {
      if (!answer.ok) this.after(RETRY_MS, () => this.remove());
    });
  }

  /** One request on a connection of its own. */
  protected ask(pattern: string, payload: object, answered: (answer: Answer) => void): void {
    let open = true;
    let socket: Socket | undefined;
    const end = (answer: Answer): void => {
      if (!open) return;
      open = false;
      socket?.close('answered');
      const kind = `${pattern} ${answer.ok ? 'ok' : answer.failure.code}`;
      this.answers.set(kind, (this.answers.get(kind) ?? 0) + 1);
      answered(answer);
    };
    this.after(ANSWER_WITHIN_MS, () => end({ ok: false, failure: failure('DEADLINE_EXCEEDED') }));
    this.world.network.dial(
      this.process,
      this.anySession(),
      { kind: 'client' },
      {
        up: (connected) => {
          if (!open) return connected.close('too late');
          socket = connected;
          connected.send({ id: 1, pattern, payload });
        },
        failed: (_, message) => end({ ok: false, failure: failure('CONNECTION_CLOSED', message) }),
        message: (message) => end(answerOf(message as ServerMessage)),
        down: (reason) => end({ ok: false, failure: failure('CONNECTION_CLOSED', reason) }),
      },
    );
  }
}

/**
 * An application with a stock Nest ClientProxy: one connection, no stamps, no hello. It connects anew and publishes
 * again whenever the connection is lost; that it is lost it finds out by asking now and then.
 */
export class SimStock extends RawClient {
  private socket: Socket | undefined;
  private requests = 0;
  /** The one not answered yet. */
  private heartbeat = 0;
  private readonly asked = new Map<number, SimPublisher>();

  connect(): void {
    this.world.network.dial(
      this.process,
      this.anySession(),
      { kind: 'client' },
      {
        up: (socket) => {
          this.socket = socket;
          this.watch(socket);
          for (const publisher of this.publishers) this.tell(publisher);
        },
        failed: () => this.after(RETRY_MS, () => this.connect()),
        message: (message) => this.read(message as ServerMessage),
        down: () => {
          this.socket = undefined;
          this.asked.clear();
          this.after(RETRY_MS, () => this.connect());
        },
      },
    );
  }

  override connectedTo(): { host: string; connection: number } | undefined {
    const { socket } = this;
    return socket?.open && socket.peer.open
      ? { host: socket.peer.process.host, connection: socket.connection }
      : undefined;
  }

  publish(dataInfoId: string, dataId: string, zone: string, first: string[]): SimPublisher {
    const publisher: SimPublisher = {
      client: this,
      registerId: `${this.name}-${this.publishers.length + 1}`,
      dataInfoId,
      zone,
      data: first,
      outcomes: [],
      republish: (data) => {
        publisher.data = data;
        this.process.deliver(() => this.tell(publisher));
      },
      unpublish: () => {
        publisher.data = undefined;
        this.process.deliver(() => this.takeBack(publisher, dataId));
      },
    };
    this.dataIds.set(publisher, dataId);
    this.publishers.push(publisher);
    this.process.deliver(() => this.tell(publisher));
    return publisher;
  }

  private watch(socket: Socket): void {
    if (this.socket !== socket) return;
    const id = ++this.requests;
    this.heartbeat = id;
    socket.send({ id, pattern: 'registry.heartbeat', payload: {} });
    this.after(HEARTBEAT_MS, () => {
      if (this.heartbeat === id && this.socket === socket) socket.close('no answer');
      else this.watch(socket);
    });
  }

  private readonly dataIds = new Map<SimPublisher, string>();

  private tell(publisher: SimPublisher): void {
    const { registerId, zone, data } = publisher;
    if (data === undefined) return;
    this.note(`publishes ${registerId} ${JSON.stringify(data)}`);
    this.send('registry.publish', { dataId: this.dataIds.get(publisher), registerId, zone, data }, publisher);
  }

  /** Where the connection is lost just now, not publishing again is enough. */
  private takeBack(publisher: SimPublisher, dataId: string): void {
    const { registerId } = publisher;
    this.note(`unpublishes ${registerId}`);
    this.send('registry.unpublish', { dataId, registerId }, publisher);
  }

  private send(pattern: string, payload: object, publisher: SimPublisher): void {
    if (!this.socket) return;
    const id = ++this.requests;
    this.asked.set(id, publisher);
    this.socket.send({ id, pattern, payload });
  }

  /** A refusal is met with patience: what is wanted by then is sent again. */
  private read(message: ServerMessage): void {
    if (message.type !== 'response' && message.type !== 'failed') return;
    if (message.id === this.heartbeat) this.heartbeat = 0;
    const publisher = this.asked.get(message.id);
    this.asked.delete(message.id);
    const answer = answerOf(message);
    const refused = !answer.ok || answer.response['status'] === 'failed';
    if (!refused) publisher?.outcomes.push({ ok: true, stored: answer.response['status'] === 'stored' });
    else if (publisher?.data) this.after(RETRY_MS, () => this.tell(publisher));
  }
}

function answerOf(message: ServerMessage): Answer {
  return message.type === 'response'
    ? { ok: true, response: message.response as Record<string, unknown> }
    : { ok: false, failure: message.type === 'failed' ? message.failure : failure('BAD_FRAME') };
}
