import {
  type Check,
  type Core,
  DEFAULT_DATA_CENTER,
  DEFAULT_SWITCHES,
  type DataToSession,
  type FromMeta,
  type LinkEvent,
  type LinkId,
  type RoutingTable,
  type VersionedSwitches,
  describeSwitches,
  failure,
} from '#model';
import type { StoreStatus } from '#etcd';
import { isSlotCount } from '#sharding';
import type { MembershipEvent, MembershipOutcome } from '../membership/contract.js';
import { Membership } from '../membership/membership.js';
import { Announcements } from './announcements.js';
import { ClientsOff } from './clients-off.js';
import { ConfigWatches } from './config-watches.js';
import { Connections, notReady } from './connections.js';
import { SessionContext } from './context.js';
import type { DrainStatus, SessionCounts, SessionEffect, SessionEvent, SessionOptions } from './contract.js';
import { Holdings } from './holdings.js';
import { KeyAsks } from './keys/key-asks.js';
import { KeyQuestions } from './keys/key-questions.js';
import { SessionKeyWatches } from './keys/key-watches.js';
import { SessionKeys } from './keys/keyspace.js';
import { LeaseKeeper } from './keys/lease-keeper.js';
import { Leases } from './leases.js';
import { SESSION_LIMITS, TICK_MS } from './limits.js';
import { Persistents } from './persistents.js';
import { Propagation, type PropagationTimes } from './propagation.js';
import { Reads } from './reads.js';
import { SessionLists } from './lists/session-lists.js';
import { isConnectionless, isOfClient } from './request-kinds.js';
import { Requests } from './requests.js';
import { type Serving, serve } from './serving.js';
import type { SpokenByData } from './data-links.js';
import { receiveOfSlot } from './slot-messages.js';
import { Slots } from './slots.js';
import { Traces } from './traces/traces.js';
import { Writes } from './writes.js';

type RequestEvent = Extract<SessionEvent, { type: 'request' }>;
type PeerEvent = LinkEvent<FromMeta | DataToSession>;

/** The brain of a session server: routes events to its parts, and decides when to go on as another incarnation. */
export class SessionCore implements Core<SessionEvent, SessionEffect> {
  private readonly context: SessionContext;
  private readonly membership: Membership;
  private readonly holdings = new Holdings();
  private readonly times: Propagation;
  /** For people. */
  readonly traces: Traces;
  readonly lists: SessionLists;
  private readonly requests: Requests;
  private readonly connections: Connections;
  private readonly slots: Slots;
  private readonly writes: Writes;
  private readonly leases: Leases;
  private readonly serving: Serving;
  private readonly keys: SessionKeys;
  private readonly keyAsks: KeyAsks;
  private readonly keyWatches: SessionKeyWatches;
  private readonly leaseKeeper: LeaseKeeper;
  private readonly reads: Reads;
  private readonly clientsOff: ClientsOff;
  private readonly configWatches: ConfigWatches;
  table: RoutingTable | undefined;
  private joinedAtMs: number | undefined;
  private phase: 'new' | 'running' | 'stopping' | 'over' = 'new';
  private wakeAtMs: number | undefined;

  constructor(private readonly options: SessionOptions) {
    const { self, dataCenter = DEFAULT_DATA_CENTER, random, switches, limits } = options;
    this.context = new SessionContext(self, random, { ...SESSION_LIMITS, ...limits });
    this.context.switch({ ...DEFAULT_SWITCHES, ...switches?.switches });
    this.times = new Propagation(this.context);
    this.traces = new Traces(
      this.context,
      (id) => this.connections.get(id),
      (subscription) => this.reads.pushes.waitsFor(subscription),
    );
    this.membership = new Membership(options);
    this.requests = new Requests(this.context);
    this.connections = new Connections(this.context, dataCenter, (connection) => {
      // A server that stops takes nobody's publications with it: its clients bring them elsewhere.
      if (this.phase === 'running') this.writes.removeOwned(connection, 'grace-expired');
    });
    this.slots = new Slots(this.context, this.holdings, {
      settled: (slot, sent, result) => this.writes.settled(slot, sent, result),
      voided: (slot, sent) => this.writes.voided(slot, sent),
      proven: (slot, entry) => this.writes.proven(slot, entry),
      outdated: (slot, entry, held) => this.writes.outdated(slot, entry, held),
      opened: (slot) => {
        this.reads.opened(slot);
        this.keyWatches.touch();
      },
      resent: (slot) => this.reads.resent(slot),
      linkGone: (link) => this.keyAsks.linkGone(link),
    });
    this.reads = new Reads(
      this.context,
      this.slots,
      this.times,
      this.traces,
      (id) => this.connections.get(id)?.address ?? '',
    );
    const stored: Reads['noteStored'] = (dataInfoId, version) => this.reads.noteStored(dataInfoId, version);
    const persistents = new Persistents(this.context, this.slots, stored, this.times, this.traces);
    this.writes = new Writes(
      this.context,
      this.holdings,
      this.slots,
      persistents,
      stored,
      (connection) => this.connections.get(connection)?.isLost === false,
      this.times,
      this.traces,
      (connection) => this.clientsOff.isOff(connection),
      (id) => this.isOfReturn(id),
    );
    this.clientsOff = new ClientsOff(this.context, this.connections, this.writes);
    this.leases = new Leases(this.context, this.holdings, this.slots, stored, this.traces, {
      keeps: (publication) => this.leaseKeeper.keeps(publication),
      hasEnded: (registerId) => this.leaseKeeper.hasEnded(registerId),
    });
    this.keyAsks = new KeyAsks(this.context, this.slots);
    const keepCopy = this.leases.keepCopy.bind(this.leases);
    const questions = new KeyQuestions(
      this.context,
      this.slots,
      this.keyAsks,
      options.keyLayouts ?? [],
      options.nativeKeysIn,
    );
    const keys = (this.keys = new SessionKeys(questions, keepCopy, () => this.leaseKeeper.isFull));
    this.keyWatches = new SessionKeyWatches(this.context, this.keyAsks, keys);
    this.leaseKeeper = new LeaseKeeper(this.context, this.slots, this.keyAsks, keys);
    const announcements = new Announcements(this.context, this.slots);
    this.configWatches = new ConfigWatches(this.context, (...keys) => this.membership.watchConfig(...keys));
    const { writes, leases, reads, configWatches, connections, holdings, slots } = this;
    this.lists = new SessionLists(self, { connections, holdings, reads, slots });
    this.serving = { writes, leases, persistents, announcements, reads, configWatches, keys };
  }

  step(nowMs: number, event: SessionEvent, readUntilMs = nowMs): SessionEffect[] {
    if (this.phase === 'over') return [];
    this.context.begin(nowMs, readUntilMs);
    this.handle(event);
    this.context.timers.runDue(nowMs);
    const { wakeAtMs } = this.membership;
    if (this.isRunning && wakeAtMs !== undefined && wakeAtMs <= nowMs) {
      this.membership.reportUnreachable(this.slots.links.unreachable());
      this.stepMembership({ type: 'wake' });
    }
    this.keyWatches.flush();
    this.slots.flush();
    this.slots.noteWhole();
    this.tellSuspects();
    if (this.isRunning) this.askToWake(event.type === 'wake');
    return this.context.end();
  }

  /** For people and metrics. */
  get counts(): SessionCounts {
    return {
      connections: this.connections.up,
      refused: this.connections.refused,
      ...this.requests.counts,
      inFlight: this.slots.inFlightCount,
      publishers: this.holdings.publicationCount,
      withdrawn: this.holdings.withdrawnCount,
      removals: this.holdings.removalCount,
      watches: this.configWatches.count,
      keyWatches: this.keyWatches.count,
      ...this.reads.counts,
    };
  }

  /** Of the connections that subscribe, those that take less than is sent to them; looks at each. */
  get laggards(): Reads['laggards'] {
    return this.reads.laggards;
  }

  /** How long changes take, and by how much times of other servers may be wrong. */
  get propagation(): PropagationTimes & { clockErrorMs: number } {
    const { stored, arrived, pushed, acked, total } = this.times;
    return { stored, arrived, pushed, acked, total, clockErrorMs: this.slots.links.clockErrorMs };
  }

  /** For people: how the server stands in the cluster. */
  get cluster(): { joined: boolean; tableEpoch: number; slots: number; slotsReconciled: number } {
    return {
      joined: this.membership.state === 'joined',
      tableEpoch: this.context.tableEpoch,
      slots: this.slots.all.length,
      slotsReconciled: this.slots.count('reconciled'),
    };
  }

  get incarnation(): string {
    return this.context.self.incarnation;
  }

  /** For people: how far its drain is. */
  drainStatus(leaving: readonly string[] = []): DrainStatus {
    return this.connections.drainStatus(leaving);
  }

  /** Of the keyspace of etcd. */
  keyStatus(): StoreStatus {
    return {
      header: this.keys.questions.header(),
      isServing: this.slots.all.length > 0 && this.slots.all.every((slot) => slot.isOpen),
    };
  }

  get clusterId(): string | undefined {
    return this.membership.clusterId;
  }

  /** Ready once every slot was reconciled with its leader; a leader that dies later does not take that back. */
  checks(): readonly Check[] {
    const isLeaving = this.phase === 'stopping' || this.phase === 'over' || this.connections.drain.isOn;
    return [
      { name: 'admission', waitingFor: isLeaving ? 'its clients to go elsewhere, and takes no more' : undefined },
      { name: 'table', waitingFor: this.table ? undefined : 'a meta server' },
      { name: 'slots', waitingFor: this.table ? this.slots.waitingFor() : 'the table of slots' },
    ];
  }

  private get isRunning(): boolean {
    return this.phase === 'running';
  }

  private handle(event: SessionEvent): void {
    switch (event.type) {
      case 'start':
        return this.start();
      case 'stop':
        return this.stop();
      case 'drain':
        return this.isRunning ? this.connections.drain.begin(event.leaving) : this.context.emit({ type: 'drained' });
      case 'undrain':
        return this.connections.drain.undo();
      case 'wake':
        return;
      case 'linkUp':
      case 'linkDown':
      case 'dialFailed':
      case 'received':
        return this.handlePeer(event);
      case 'clientConnected':
        return this.connections.connected(event.connection, event.address);
      case 'clientDisconnected':
        return this.disconnected(event.connection);
      case 'clientBackedUp':
        this.configWatches.setBackedUp(event.connection, event.isBackedUp);
        return this.reads.backedUp(event.connection, event.isBackedUp);
      case 'heard':
        return void this.heard(event.connection);
      case 'acked':
        if (this.heard(event.connection))
          this.reads.ack(event.connection, event.subscriptionId, event.version, event.refused);
        return;
      case 'keyWatch':
        return this.keyWatches.watch(event.watchId, event.request);
      case 'keyUnwatch':
        return this.keyWatches.cancel(event.watchId);
      case 'keyProgress':
        return this.keyWatches.requestProgress(event.watchId);
      case 'request':
        return this.request(event);
    }
  }

  private start(): void {
    if (this.phase !== 'new') return;
    this.phase = 'running';
    if (this.options.table) this.takeTable(this.options.table);
    this.stepMembership({ type: 'start' });
    if (this.options.draining) this.connections.drain.begin([]);
    this.tick();
  }

  private stop(): void {
    if (this.phase === 'stopping') return;
    this.phase = 'stopping';
    this.keyWatches.stop();
    // With nowhere to go they come back to this address when it serves again.
    if (this.connections.elsewhere > 0) this.connections.moveAll('The server is stopping.');
    this.requests.failAll(failure('SHUTTING_DOWN'));
    this.stepMembership({ type: 'stop' });
  }

  /** This incarnation is over: clients go elsewhere, and the host starts a core under a new one. */
  private restart(reason: string): void {
    if (this.phase === 'over') return;
    this.phase = 'over';
    this.keyWatches.stop();
    this.connections.moveAll(reason);
    this.requests.failAll(failure('SHUTTING_DOWN', reason));
    this.context.emit({ type: 'restart', reason });
  }

  private tick(): void {
    if (!this.isRunning) return;
    this.slots.links.tick();
    this.holdings.forgetRemovals(this.context.nowMs);
    this.slots.compareSome();
    this.leaseKeeper.tick();
    this.keyWatches.tick();
    this.checkSilence();
    this.context.timers.at(this.context.nowMs + TICK_MS, () => this.tick());
  }

  /**
   * A leader that meta believes alive and that does not answer us would wait for our reconciliation, and our clients
   * for its acknowledgements, without end.
   */
  private checkSilence(): void {
    if (this.membership.state !== 'joined' || this.joinedAtMs === undefined) return;
    const owed = this.slots.longestOwed();
    if (!owed) return;
    const silenceMs = Math.min(owed.silenceMs, this.context.silenceMs(this.joinedAtMs));
    if (silenceMs < this.context.limits.leaderSilenceMs) return;
    this.restart(`The leader of slot ${owed.slot}, ${owed.leader}, does not answer.`);
  }

  private tellSuspects(): void {
    for (const incarnation of this.slots.links.takeSuspects())
      for (const effect of this.membership.suspect(this.context.nowMs, incarnation)) this.context.emit(effect);
  }

  private stepMembership(event: MembershipEvent): void {
    const outcome: MembershipOutcome = this.membership.step(this.context.nowMs, event, this.context.readUntilMs);
    for (const effect of outcome.effects) this.context.emit(effect);
    if (outcome.joined) this.joinedAtMs = this.context.nowMs;
    if (outcome.joined) this.configWatches.joined();
    if (outcome.config) this.configWatches.take(outcome.config);
    if (outcome.expelled) return this.restart('Meta does not know this incarnation any more.');
    if (outcome.switches) this.takeSwitches(outcome.switches);
    if (outcome.table) this.takeNewTable(outcome.table);
  }

  private takeSwitches(switches: VersionedSwitches): void {
    this.context.emit({ type: 'saveSwitches', switches });
    this.context.switch(switches.switches);
    this.reads.pushes.switched();
    this.clientsOff.switched();
    this.context.log('info', 'switched', { version: switches.version, ...describeSwitches(switches.switches) });
  }

  private takeNewTable(table: RoutingTable): void {
    this.context.emit({ type: 'saveTable', table });
    this.takeTable(table);
  }

  private takeTable(table: RoutingTable): void {
    if (table.clusterId === '' || !isSlotCount(table.slots.length)) return;
    if (this.table && (this.table.clusterId !== table.clusterId || this.table.slots.length !== table.slots.length))
      return this.restart('The cluster is another one.');
    this.table = table;
    this.context.clusterId = table.clusterId;
    this.context.tableEpoch = table.epoch;
    this.keyAsks.takeTable(table);
    this.slots.takeTable(table);
    this.keyWatches.touch();
    this.connections.takeTable(table);
  }

  private handlePeer(event: PeerEvent): void {
    // Events of meta links and of meta dials; their messages can only be meta's.
    if (this.membership.owns(event)) return this.stepMembership(event as LinkEvent<FromMeta>);
    const { links } = this.slots;
    if (event.type === 'linkUp') return links.linkUp(event);
    if (event.type === 'linkDown') return links.linkDown(event.link);
    if (event.type === 'dialFailed') return links.dialFailed(event);
    if (!links.received(event.link)) return;
    try {
      const received = links.unwrap(event.link, event.message as DataToSession);
      if (received) this.receive(received.link, received.message);
    } catch (error) {
      this.context.log('error', 'malformed-message', { link: event.link, message: String(error) });
      links.hangUp(event.link, 'A message could not be read.');
    }
  }

  private receive(link: LinkId, message: SpokenByData): void {
    const { links } = this.slots;
    if (message.kind === 'pong') {
      // Without meta, whoever is behind hears of the newer table from those who have it.
      links.ponged(link, message);
      if (message.tableEpoch > this.context.tableEpoch) links.send(link, { kind: 'tableRequest' });
      return;
    }
    if (message.kind === 'standIn') return links.standIn(link, message.incarnation);
    if (message.kind === 'tableRequest') return this.table && links.send(link, { kind: 'table', table: this.table });
    if (message.kind === 'table') {
      if (this.membership.offer(message.table)) this.takeNewTable(message.table);
      return;
    }
    if (message.kind === 'keysAnswer') return this.keyAsks.answered(link, message);
    if (message.kind === 'keysChanged') return this.keyWatches.changed(link, message);
    if (message.kind === 'moved') return this.slots.moved(link, message);
    const slot = this.slots.at(message.slot, link);
    if (!slot) return;
    if (message.kind === 'applied' && message.traced) this.traces.applied(message.traced, links.clockOf(link));
    receiveOfSlot(slot, message, this.reads, this.leases);
  }

  private disconnected(id: number): void {
    const connection = this.connections.get(id);
    if (!connection || connection.isLost) return;
    this.requests.failConnection(id, failure('CONNECTION_CLOSED'));
    this.reads.disconnected(id);
    this.configWatches.disconnected(id);
    this.connections.disconnected(connection, this.holdings.ownedBy(id).size > 0);
  }

  private heard(id: number): boolean {
    const connection = this.connections.get(id);
    if (connection) connection.heardAtMs = this.context.nowMs;
    return connection !== undefined && this.isRunning;
  }

  private isOfReturn(id: number): boolean {
    const connection = this.connections.get(id);
    return connection !== undefined && this.slots.returns.canWait(connection);
  }

  private request({ connection: id, requestId, wallMs, request }: RequestEvent): void {
    this.context.wallMs = wallMs;
    const cost = request.kind === 'apply' ? Math.max(request.operations.length, 1) : 1;
    const pending = this.requests.begin(id, requestId, cost);
    if (!pending) return;
    const connection = this.connections.get(id);
    this.heard(id);
    if (this.phase === 'stopping') return pending.fail(failure('SHUTTING_DOWN'));
    if (request.kind === 'hello') {
      if (!connection || connection.isLost) return pending.fail(failure('CONNECTION_CLOSED'));
      const refusal = this.connections.admit(connection, request);
      if (refusal) return pending.fail(refusal);
      if (request.clusterId !== undefined) this.slots.returns.came(connection);
      return this.connections.greet(connection, pending, request, this.table);
    }
    if (request.kind === 'goodbye' && connection) connection.hasSaidGoodbye = true;
    if (request.kind === 'heartbeat') return pending.reply({ kind: 'done' });
    if (!this.table) return pending.fail(notReady());
    if (!isConnectionless(request) && (!connection || connection.isLost))
      return pending.fail(failure('CONNECTION_CLOSED'));
    const refusal = connection && isOfClient(request) ? this.connections.admit(connection) : undefined;
    if (refusal) return pending.fail(refusal);
    serve(this.serving, id, pending, wallMs, request);
  }

  /** A host keeps one wake-up; it is told only when another one than it has is due. */
  private askToWake(wasWoken: boolean): void {
    if (wasWoken) this.wakeAtMs = undefined;
    const timer = this.context.timers.nextAtMs ?? Infinity;
    const atMs = Math.min(timer, this.membership.wakeAtMs ?? Infinity);
    if (atMs === Infinity || (this.wakeAtMs !== undefined && this.wakeAtMs <= atMs)) return;
    this.wakeAtMs = atMs;
    this.context.emit({ type: 'wake', atMs });
  }
}
