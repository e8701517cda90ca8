import { type Configuration, type FoundLog, type LogWrite, RaftNode, membersOf, readLog } from '#consensus';
import { type Env, RegistryError, type RoutingTable, featureLevelOf } from '#model';
import type { AdminTokens, Advertised, Config, LinkAcceptor, Logger, RollcallServer } from '#nest';
import {
  Histogram,
  type MetaCommand,
  type MetaResult,
  type MetaState,
  type MetaStateMachine,
  createMetaStateMachine,
  groupFeatureLevel,
} from '#registry';
import { LevelLogStore } from '#store';
import { checkGroup, checkSlotCount, identify } from './identity.js';
import { LeaderRoute } from './leader-route.js';
import { RaftLinks } from './links.js';
import { META_ENGINE } from './machine.js';

export type MetaNode = RaftNode<MetaCommand, MetaState, MetaResult>;

export interface MetaGroupOptions {
  config: Advertised<Config<'meta'>>;
  env: Env;
  logger: Logger;
  /** The highest that this server supports. */
  featureLevel: number;
  adminTokens: AdminTokens;
  fail: (error: unknown) => void;
}

/** This server's part in the Raft group of the meta servers: its folder, its links to the others, its node. */
export class MetaGroup implements LinkAcceptor {
  /** To whoever leads, for what only a leader does. */
  readonly route: LeaderRoute;
  private leader = '';
  private changesOfLeader = 0;

  private constructor(
    readonly node: MetaNode,
    readonly machine: MetaStateMachine,
    private readonly links: RaftLinks,
    private readonly noted: Noted,
    private readonly options: MetaGroupOptions,
  ) {
    this.route = new LeaderRoute(node, options.adminTokens);
    node.onLeadership(({ term, leader }) => {
      const seen = `${term} ${leader}`;
      if (leader === undefined || seen === this.leader) return;
      this.leader = seen;
      this.changesOfLeader++;
    });
  }

  /** That this node has stood for. */
  get elections(): number {
    return this.noted.elections;
  }

  get leaderChanges(): number {
    return this.changesOfLeader;
  }

  /** How long writes to the log took. */
  get syncs(): Histogram {
    return this.noted.syncs;
  }

  /** Takes part from now on. @throws RegistryError STORE_*, INVALID_CONFIGURATION, with nothing left open */
  static async open(options: MetaGroupOptions): Promise<MetaGroup> {
    const { config, env, logger, featureLevel, fail } = options;
    const machine = createMetaStateMachine(featureLevel);
    const identity = await identify(config, logger);
    const noted: Noted = { elections: 0, syncs: new Histogram() };
    let node: MetaNode | undefined;
    const links = new RaftLinks({
      id: identity.id,
      peers: identity.bootstrap.voters,
      env,
      logger,
      featureLevel,
      era: () => node?.era,
      onSuperseded: (by) => fail(superseded(config.dataDir, by)),
    });
    try {
      links.transport.start();
      node = await RaftNode.open<MetaCommand, MetaState, MetaResult>({
        ...identity,
        store: new NotedLogStore(config.dataDir, noted.syncs, (found) => {
          const table = tableOf(found, identity.bootstrap);
          links.loggedClusterId = table?.clusterId;
          // Before this node takes part in anything.
          if (table) checkSlotCount(config, table);
        }),
        transport: links.transport,
        env,
        ...META_ENGINE,
        machine,
        log: (line) => {
          if (line.event === 'raft-campaign') noted.elections++;
          logger.line(line);
        },
        onFailure: fail,
      });
      checkGroup(config, node.status().configuration);
      return new MetaGroup(node, machine, links, noted, options);
    } catch (error) {
      await links.close();
      await node?.close();
      throw error;
    }
  }

  /** What all nodes of the group support; undefined while there is no link with one of them. */
  featureLevel(): number | undefined {
    const { id, configuration } = this.node.status();
    return groupFeatureLevel(membersOf(configuration), (member) => {
      if (member === id) return this.options.featureLevel;
      const hello = this.links.transport.helloOf(member);
      return hello && featureLevelOf(hello);
    });
  }

  accept(server: RollcallServer): void {
    this.links.accept(server);
  }

  /** From now on no links are kept with nodes of another cluster. */
  belongsTo(clusterId: string): void {
    this.links.clusterId = clusterId;
  }

  /** A leader that goes leaves another behind, so that nobody need wait for an election. */
  async handOver(): Promise<void> {
    const heir = this.node.heir();
    if (heir === undefined) return;
    try {
      await this.node.transfer(heir);
    } catch (error) {
      this.options.logger.warn('not-handed-over', { to: heir, error });
    }
  }

  async close(): Promise<void> {
    this.route.close();
    await this.links.close();
    await this.node.close();
  }
}

/** For metrics. */
interface Noted {
  elections: number;
  syncs: Histogram;
}

/** Tells what it held when it was opened, and how long its writes take. */
class NotedLogStore extends LevelLogStore {
  constructor(
    folder: string,
    private readonly syncs: Histogram,
    private readonly opened: (found: FoundLog) => void,
  ) {
    super(folder);
  }

  override async open(): Promise<FoundLog> {
    const found = await super.open();
    try {
      this.opened(found);
    } catch (error) {
      await this.close();
      throw error;
    }
    return found;
  }

  override async write(change: LogWrite): Promise<void> {
    const beganMs = performance.now();
    await super.write(change);
    this.syncs.observe(performance.now() - beganMs);
  }
}

/** What the log says of a cluster, committed or not. */
function tableOf(found: FoundLog, bootstrap: Configuration): RoutingTable | undefined {
  try {
    const { table } = readLog(found, META_ENGINE, bootstrap).image.state;
    return table.clusterId === '' ? undefined : table;
  } catch {
    // Who cannot read the log does not start; entries that are not committed yet may never be.
    return undefined;
  }
}

function superseded(folder: string, { address, era }: { address: string; era: number }): RegistryError {
  const message =
    `The meta group of this cluster was recovered or restored without this server: ${address} belongs to era ${era} of ` +
    `it, and the folder ${folder} to an earlier one. Nothing in this folder counts any more. Move it away, and add the ` +
    'server anew with an empty one; docs/recovery.md says how.';
  return new RegistryError('SUPERSEDED', message, { details: { address, era } });
}
