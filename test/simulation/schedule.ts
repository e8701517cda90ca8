import { DEFAULT_GROUP, DEFAULT_INSTANCE_ID, type Random, parseDataInfoId, toDataInfoId } from '#model';
import { type Cluster, type SimClient, SimCurl, type SimPublisher, type SimStock, isLive } from '#sim';
import { META_FAULTS, MetaFaults, isMetaFault } from './meta-faults.js';
import { WIDE_FAULTS, WideFaults, isWideFault } from './wide-faults.js';

/** What a random run does, and how often each is chosen relative to the others. */
export const ACTIONS = {
  ...META_FAULTS,
  ...WIDE_FAULTS,
  publish: 10,
  republish: 6,
  unpublish: 5,
  subscribe: 4,
  unsubscribe: 1,
  addClient: 1,
  registerByCurl: 1.5,
  publishByStock: 1.5,
  closeClient: 0.7,
  killCurl: 0.4,
  killStock: 0.4,
  killClient: 0.7,
  restartClient: 1.5,
  vanishClient: 0.4,
  killData: 1.5,
  vanishData: 0.7,
  killSession: 1.5,
  vanishSession: 0.7,
  stopServer: 0.8,
  pauseServer: 2,
  pauseClient: 0.7,
  losePushes: 0.7,
  resetLink: 3,
  resetClient: 3,
  partition: 2,
  oneWayPartition: 1,
  cutData: 1,
  stepWallClock: 0.5,
  switchClient: 0.7,
};

export type Action = keyof typeof ACTIONS;

const TOTAL = Object.values(ACTIONS).reduce((sum, weight) => sum + weight, 0);
const MAX_DRAIN_MS = 1_000;
const LEASE_MS = 4_000;
const DATA_IDS = ['user', 'note', 'api', 'mail', 'pay'];

function isCurl({ client }: SimPublisher): boolean {
  return client instanceof SimCurl;
}

const ZONES = ['east', 'west'];

function infoIdOf(dataId: string): string {
  return toDataInfoId({ dataId, group: DEFAULT_GROUP, instanceId: DEFAULT_INSTANCE_ID });
}

/**
 * A random schedule over a cluster: every choice comes from the cluster's seed. Whatever it breaks is mended after a
 * while, some of it only at the end.
 */
export class Schedule {
  private readonly random: Random;
  private readonly metaFaults: MetaFaults;
  private readonly wideFaults: WideFaults;
  private made = 0;

  constructor(
    private readonly cluster: Cluster,
    private readonly count: (action: Action) => void,
  ) {
    this.random = cluster.world.fork();
    const later = (run: () => void): void => this.later(run);
    this.metaFaults = new MetaFaults(cluster, this.random, later, () => this.aWhileMs());
    this.wideFaults = new WideFaults(cluster, this.random, later, () => this.aWhileMs());
  }

  run(forMs: number, everyMs: number): void {
    const endMs = this.cluster.nowMs + forMs;
    while (this.cluster.nowMs < endMs) {
      this.act(this.choose());
      this.cluster.run(this.random() * 2 * everyMs);
    }
  }

  /** Applications go on and nothing breaks: every change must reach everybody within a second. */
  calm(): void {
    for (const action of ['publish', 'subscribe', 'republish', 'publish', 'unpublish', 'republish'] as const) {
      this.act(action);
      this.cluster.untilConverged(1_000);
    }
  }

  /** Ends every fault, those that are still to come of earlier actions included. */
  mend(): void {
    this.mendNow();
    this.cluster.run(MAX_DRAIN_MS + 1);
    this.mendNow();
  }

  private mendNow(): void {
    const { cluster } = this;
    cluster.heal();
    for (const meta of cluster.metas) meta.log.mend();
    for (const { warmDisk } of cluster.data) warmDisk.isFailing = false;
    for (const client of cluster.clients) {
      client.resume();
      client.losePushes(0);
    }
    for (const session of cluster.sessions) session.undrain();
    for (const server of cluster.servers) {
      server.resume();
      if (server.dead) server.start();
    }
  }

  private choose(): Action {
    let left = this.random() * TOTAL;
    for (const [action, weight] of Object.entries(ACTIONS)) {
      left -= weight;
      if (left < 0) return action as Action;
    }
    return 'publish';
  }

  private act(action: Action): void {
    if (this.perform(action)) this.count(action);
  }

  private perform(action: Action): boolean {
    if (isMetaFault(action)) return this.metaFaults.perform(action);
    if (isWideFault(action)) return this.wideFaults.perform(action);
    const { cluster } = this;
    const client = this.one(cluster.clients.filter((each) => !each.dead && !each.closed));
    switch (action) {
      case 'publish':
        if (!client || cluster.publishers.filter((each) => each.data).length > 40) return false;
        client.publish({ dataId: this.one(DATA_IDS)!, data: [this.text()] });
        return true;
      case 'republish':
      case 'unpublish': {
        // Not of a curl: without stamps and without a connection, whichever post arrives last wins, whenever it was sent.
        const publisher = this.one(
          cluster.publishers.filter((each) => isLive(each) && (action === 'unpublish' || !isCurl(each))),
        );
        if (!publisher) return false;
        if (action === 'unpublish') publisher.unpublish();
        else publisher.republish([this.text()]);
        return true;
      }
      case 'subscribe':
        if (!client || client.subscribers.filter((each) => each.active).length > 4) return false;
        client.subscribe({ dataId: this.one(DATA_IDS)!, scope: this.random() < 0.3 ? 'zone' : 'dataCenter' });
        return true;
      case 'unsubscribe': {
        const subscriber = this.one(client?.subscribers.filter((each) => each.active) ?? []);
        subscriber?.unsubscribe();
        return subscriber !== undefined;
      }
      case 'addClient':
        if (cluster.clients.filter((each) => !each.dead && !each.closed).length > 8) return false;
        cluster.addClient();
        return true;
      case 'registerByCurl': {
        if (cluster.curls.filter((each) => !each.dead).length >= 5) return false;
        const [dataId, zone] = [this.one(DATA_IDS)!, this.one(ZONES)!];
        cluster.addCurl().register(infoIdOf(dataId), { dataId, zone, data: [this.text()], leaseMs: LEASE_MS });
        return true;
      }
      case 'publishByStock': {
        const stocks = cluster.stocks.filter((each) => !each.dead);
        const stock = stocks.length < 3 ? cluster.addStock() : this.one(stocks)!;
        const [dataId, zone] = [this.one(DATA_IDS)!, this.one(ZONES)!];
        if (stock.publishers.filter(isLive).length < 5) stock.publish(infoIdOf(dataId), dataId, zone, [this.text()]);
        return true;
      }
      case 'killCurl':
      case 'killStock': {
        const one = this.one<SimCurl | SimStock>(action === 'killCurl' ? cluster.curls : cluster.stocks);
        if (!one || one.dead) return false;
        one.crash();
        return true;
      }
      case 'restartClient':
        return this.restart(this.one(cluster.clients.filter((each) => each.dead || each.closed)));
      case 'closeClient':
      case 'killClient':
      case 'vanishClient':
        return this.endClient(client, action);
      case 'killData':
      case 'vanishData':
        return this.crash(cluster.data, action === 'vanishData');
      case 'killSession':
      case 'vanishSession':
        return this.crash(cluster.sessions, action === 'vanishSession');
      case 'stopServer': {
        const server = this.one([...cluster.data, ...cluster.sessions].filter((each) => each.running));
        if (!server) return false;
        server.stop(this.random() * MAX_DRAIN_MS);
        this.later(() => server.start(), MAX_DRAIN_MS);
        return true;
      }
      case 'pauseServer': {
        const server = this.one(cluster.servers.filter((each) => each.running));
        if (server) cluster.pause(server.name, this.aWhileMs());
        return server !== undefined;
      }
      case 'pauseClient':
        if (client) cluster.pause(client.name, this.aWhileMs());
        return client !== undefined;
      case 'losePushes':
        client?.losePushes(1 + Math.floor(2 * this.random()));
        return client !== undefined;
      case 'resetLink':
        return cluster.world.network.resetOne();
      case 'resetClient': {
        const server = client?.connectedTo()?.host;
        return client && server ? cluster.world.network.resetOne({ a: client.name, b: server }) : false;
      }
      case 'partition':
      case 'oneWayPartition':
        return this.partition(action === 'oneWayPartition');
      case 'cutData': {
        const data = this.one(cluster.data.filter((each) => each.running));
        // Long enough for the session servers to notice.
        const ms = 3_000 + this.aWhileMs();
        for (const session of data ? cluster.sessions : []) cluster.partition(data!.name, session.name, ms);
        return data !== undefined;
      }
      case 'switchClient':
        return this.switchClient(this.one<SimClient | SimStock>([...cluster.clients, ...cluster.stocks]));
      case 'stepWallClock':
        for (const each of [...cluster.clients, ...cluster.servers])
          if (this.random() < 0.3) each.wallOffsetMs += Math.round((this.random() - 0.5) * 7_200_000);
        return true;
    }
  }

  /** Off for a while, whatever becomes of the client and its servers meanwhile. */
  private switchClient(client: SimClient | SimStock | undefined): boolean {
    if (!client || client.dead || client.closed) return false;
    this.cluster.switch({ clientsOff: [client.name] });
    this.later(() => this.cluster.switch({ clientsOff: [] }));
    return true;
  }

  private endClient(client: SimClient | undefined, how: 'closeClient' | 'killClient' | 'vanishClient'): boolean {
    if (!client || this.cluster.clients.filter((each) => !each.dead && !each.closed).length < 3) return false;
    if (how === 'closeClient') client.close();
    else client.crash(how === 'killClient' ? 'kill' : 'vanish');
    return true;
  }

  /** Another process of the application, which has kept the names of its registrations and no stamps. */
  private restart(former: SimClient | undefined): boolean {
    if (!former || this.cluster.clients.filter((each) => !each.dead && !each.closed).length > 8) return false;
    // The machine may have lost what was kept on its disk.
    const client = this.cluster.addClient(this.random() < 0.8 ? former.disk : undefined);
    for (const { dataInfoId, scope, zone, active } of former.subscribers.slice(0, 3))
      if (active) client.subscribe({ dataId: parseDataInfoId(dataInfoId)!.dataId, scope, zone });
    // Its machine's clock may have been set back meanwhile: then what it publishes is older than what it left.
    client.wallOffsetMs = former.wallOffsetMs - (this.random() < 0.7 ? Math.round(this.random() * 60_000) : 0);
    for (const { registerId, dataInfoId } of former.publishers.slice(0, 5)) {
      if (this.cluster.publishers.some((each) => each.registerId === registerId && isLive(each))) continue;
      const { dataId } = parseDataInfoId(dataInfoId)!;
      client.publish({ dataId, registerId, data: [this.text()] });
    }
    return true;
  }

  private crash(hosts: Cluster['servers'], vanish: boolean): boolean {
    const host = this.one(hosts.filter((each) => !each.dead));
    if (!host) return false;
    host.crash(vanish ? 'vanish' : 'kill');
    this.later(() => host.start());
    return true;
  }

  private partition(oneWay: boolean): boolean {
    const { cluster } = this;
    const nodes = [...cluster.servers, ...cluster.clients].map((each) => each.name);
    const a = this.one(nodes)!;
    const b = this.one(nodes.filter((name) => name !== a))!;
    cluster.partition(a, b, this.aWhileMs(), oneWay);
    return true;
  }

  private later(run: () => void, notBeforeMs = 0): void {
    this.cluster.world.at(this.cluster.nowMs + notBeforeMs + this.aWhileMs(), run);
  }

  /** Mostly short, sometimes longer than every lease and grace. */
  private aWhileMs(): number {
    return 20 + 20_000 * this.random() ** 3;
  }

  private text(): string {
    return `http://10.0.0.1:${++this.made}`;
  }

  private one<T>(choices: readonly T[]): T | undefined {
    return choices[Math.floor(this.random() * choices.length)];
  }
}
