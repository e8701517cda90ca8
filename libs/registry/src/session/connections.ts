import { type Failure, type Notice, type RoutingTable, failure } from '#model';
import { Admission } from './admission.js';
import type { SessionContext } from './context.js';
import type { ConnectionId, DrainStatus, RefusalReason } from './contract.js';
import { Directions } from './directions.js';
import { Drain, type DrainedClients } from './drain.js';
import { Losses } from './losses.js';
import { Welcomes } from './welcomes.js';
import { FormerClients } from './lists/former-clients.js';
import { MOVED_GRACE_MS, MOVE_SPREAD_MS, NOT_READY_RETRY_MS, REFUSED_CLOSE_MS, WAVE_SPREAD_MS } from './limits.js';
import type { Pending } from './requests.js';

export interface Connection {
  readonly id: ConnectionId;
  readonly address: string;
  appName: string;
  zone: string;
  /** It is of all requests over HTTP, and of no client. */
  readonly isShared: boolean;
  /** Only clients that said hello heartbeat; a stock ClientProxy and an HTTP stream are never idle. */
  hasGreeted: boolean;
  isWelcomed: boolean;
  readonly connectedAtMs: number;
  heardAtMs: number;
  /** Its client has been served by this cluster before, over another connection. */
  returnedAtMs?: number;
  /** It is served: it has asked for something that counts it among the clients, and was not refused. */
  isAdmitted: boolean;
  /** Its hello was refused, and so is what follows it. */
  refusal?: Failure;
  /** It was asked to go elsewhere. */
  isMoved: boolean;
  hasSaidGoodbye?: boolean;
  /** The connection is gone, and its publications have their grace. */
  isLost: boolean;
}

/** The address of the connection that requests over HTTP share. */
export const HTTP_CALLERS = 'http';

/**
 * What rounding leaves of a wait may be too little to add to the time at all, and the wait would be asked for again and
 * again in one step.
 */
const SOON_MS = 1;

const DRAINED = 'The server is drained: others take its clients.';

/** The client connections: their hellos, their silence, and how they are told to go elsewhere. */
export class Connections implements DrainedClients {
  readonly drain: Drain;
  /** For people. */
  readonly former = new FormerClients();
  private readonly all = new Map<ConnectionId, Connection>();
  /** Hellos that wait for the first table. */
  private greetings: { connection: Connection; pending: Pending }[] = [];
  private lost = 0;
  private welcomed = 0;
  private readonly admission: Admission;
  private readonly losses: Losses;
  private readonly directions: Directions;
  private readonly welcomes: Welcomes;

  constructor(
    private readonly context: SessionContext,
    dataCenter: string,
    /** The grace of a lost connection is over. */
    private readonly ended: (connection: ConnectionId) => void,
  ) {
    const isServed = (id: ConnectionId): boolean => isWelcome(this.all.get(id));
    this.directions = new Directions(context, () => [...this.all.keys()].filter(isServed), isServed);
    this.welcomes = new Welcomes(context, dataCenter, this.directions);
    this.drain = new Drain(context, this);
    this.losses = new Losses(context);
    this.admission = new Admission(context, () => this.drain.isSending);
  }

  /** Those that are up, also such as only look on, or have been refused. */
  get up(): number {
    return this.all.size - this.lost;
  }

  get count(): number {
    return this.admission.count;
  }

  get refused(): Readonly<Record<RefusalReason, number>> {
    return this.admission.refused;
  }

  get elsewhere(): number {
    return this.directions.elsewhereThan([]);
  }

  drainStatus(leaving: readonly string[]): DrainStatus {
    const { isOn: draining } = this.drain;
    const [clients, untold] = [this.count, [...this.staying()].length];
    return {
      draining,
      clients,
      untold,
      elsewhere: this.directions.elsewhereThan(leaving),
      safeToStop: draining && clients === 0,
    };
  }

  *live(): Generator<Connection> {
    for (const connection of this.all.values()) if (!connection.isLost) yield connection;
  }

  /** Those that are up, and those whose publications have their grace. */
  ids(): IterableIterator<ConnectionId> {
    return this.all.keys();
  }

  get(id: ConnectionId): Connection | undefined {
    return this.all.get(id);
  }

  connected(id: ConnectionId, address: string): void {
    if (this.all.has(id)) return;
    const { nowMs } = this.context;
    this.all.set(id, {
      ...{ id, address, isShared: address === HTTP_CALLERS, appName: '', zone: '' },
      ...{ connectedAtMs: nowMs, heardAtMs: nowMs },
      ...{
        hasGreeted: false,
        isWelcomed: false,
        isAdmitted: false,
        isMoved: false,
        isLost: false,
      },
    });
  }

  /**
   * Counts the connection among those that are served, unless that is refused. A client may send what it holds right behind
   * its hello, without waiting for the welcome: what became of the one goes for the other.
   */
  admit(connection: Connection, hello?: { waited?: boolean }): Failure | undefined {
    if (connection.isAdmitted) return undefined;
    if (!hello && connection.refusal) return connection.refusal;
    const { address } = connection;
    const refusal = this.admission.admit({ address, hasWaited: hello?.waited === true });
    connection.isAdmitted = refusal === undefined;
    if (hello && refusal) connection.refusal = refusal;
    // A stock client would go on asking here. It reads the refusal before it is cut off.
    if (refusal)
      this.context.timers.at(this.context.nowMs + REFUSED_CLOSE_MS, () => {
        if (!connection.isAdmitted) this.close(connection, refusal.message);
      });
    return refusal;
  }

  /** Ends at once where nothing is held for the connection, else after the grace. */
  disconnected(connection: Connection, hasPublications: boolean): void {
    if (connection.isWelcomed) this.left(connection);
    if (connection.isAdmitted) this.admission.left(connection.address);
    if (!hasPublications) return this.end(connection);
    connection.isLost = true;
    this.lost++;
    this.awaitGrace(connection, this.context.nowMs);
  }

  private left({ isMoved, hasSaidGoodbye }: Connection): void {
    this.directions.counted(--this.welcomed);
    if (!isMoved && !hasSaidGoodbye) this.losses.lost(this.welcomed);
  }

  /** `goodbye` and the end of the grace alike. */
  private end(connection: Connection): void {
    if (connection.isLost) this.lost--;
    this.all.delete(connection.id);
    this.former.add(connection);
    this.ended(connection.id);
  }

  /** The grace does not end while clients wait to be let in again: the one may be among them. */
  private awaitGrace(connection: Connection, sinceMs: number): void {
    const graceMs = this.losses.graceMs(sinceMs) + (connection.isMoved ? MOVED_GRACE_MS : 0);
    const leftMs = Math.max(graceMs - this.context.silenceMs(sinceMs), this.admission.backlogMs);
    if (leftMs <= 0) return this.end(connection);
    this.context.timers.at(this.context.nowMs + Math.max(leftMs, SOON_MS), () => this.awaitGrace(connection, sinceMs));
  }

  greet(
    connection: Connection,
    pending: Pending,
    { appName, zone }: { appName: string; zone: string },
    table: RoutingTable | undefined,
  ): void {
    connection.appName = appName;
    connection.zone = zone;
    if (!connection.hasGreeted) {
      connection.hasGreeted = true;
      this.watchIdle(connection);
    }
    if (table) return this.welcome(connection, pending, table);
    this.greetings.push({ connection, pending });
    this.context.timers.at(this.context.nowMs + this.context.limits.readDeadlineMs, () => {
      this.greetings = this.greetings.filter((greeting) => greeting.pending !== pending);
      pending.fail(notReady());
    });
  }

  /** With the first table, what it takes to welcome somebody is known. */
  takeTable(table: RoutingTable): void {
    this.directions.takeTable(table);
    const { greetings } = this;
    this.greetings = [];
    for (const { connection, pending } of greetings) this.welcome(connection, pending, table);
  }

  moveAll(reason: string): void {
    for (const connection of this.live()) this.tell(connection, { type: 'move', reason, spreadMs: MOVE_SPREAD_MS });
  }

  leave(addresses: readonly string[]): void {
    this.directions.leave(addresses);
  }

  /** Those that can be asked before those that can only be cut off: server-sent events, and clients without a hello. */
  moveSome(most: number): void {
    const staying = [...this.staying()].toSorted((a, b) => Number(b.isWelcomed) - Number(a.isWelcomed));
    for (const connection of staying.slice(0, most)) {
      connection.isMoved = true;
      if (connection.isWelcomed) this.tell(connection, { type: 'move', reason: DRAINED, spreadMs: WAVE_SPREAD_MS });
      else this.close(connection, DRAINED);
    }
  }

  private *staying(): Generator<Connection> {
    for (const connection of this.live()) if (connection.isAdmitted && !connection.isMoved) yield connection;
  }

  private close(connection: Connection, reason: string): void {
    const { id } = connection;
    if (!connection.isLost && this.all.get(id) === connection)
      this.context.emit({ type: 'closeClient', connection: id, reason });
  }

  private tell({ id }: Connection, notice: Notice): void {
    this.context.emit({ type: 'notice', connection: id, notice });
  }

  private welcome(connection: Connection, pending: Pending, table: RoutingTable): void {
    if (!pending.isOpen) return;
    if (!connection.isWelcomed) this.directions.counted(++this.welcomed);
    this.tell(connection, this.welcomes.of(connection.zone, table.clusterId));
    connection.isWelcomed = true;
    pending.reply({ kind: 'done' });
  }

  private watchIdle(connection: Connection): void {
    if (connection.isLost || this.all.get(connection.id) !== connection) return;
    const leftMs = this.context.limits.idleTimeoutMs - this.context.silenceMs(connection.heardAtMs);
    if (leftMs <= 0) {
      return this.close(connection, 'The client was silent for too long.');
    }
    this.context.timers.at(this.context.nowMs + Math.max(leftMs, SOON_MS), () => this.watchIdle(connection));
  }
}

function isWelcome(connection: Connection | undefined): boolean {
  return connection !== undefined && connection.isWelcomed && !connection.isLost;
}

export function notReady(): Failure {
  return failure('NOT_READY', undefined, { retryAfterMs: NOT_READY_RETRY_MS });
}
