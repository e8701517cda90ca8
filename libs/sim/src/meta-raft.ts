import {
  type LogDevice,
  type NodeId,
  PeerLinks,
  type RaftEnvelope,
  type RaftNodeLimits,
  RaftRunner,
  type StateMachine,
} from '#consensus';
import { type LogEffect, type PeerHello, type Random, type RegistryError } from '#model';
import type { MetaCommand, MetaResult, MetaState } from '#registry';
import { simCodec } from './codec.js';
import { SimLinks } from './links.js';
import type { SimLogDisk } from './log-disk.js';
import type { SimProcess } from './process.js';
import type { World } from './world.js';

export interface MetaRaftOptions {
  id: NodeId;
  voters: NodeId[];
  world: World;
  process: SimProcess;
  disk: SimLogDisk;
  random: Random;
  machine: StateMachine<MetaCommand, MetaState, MetaResult>;
  limits: Partial<RaftNodeLimits>;
  hello: () => PeerHello;
  log: (line: LogEffect) => void;
  fail: (error: RegistryError) => void;
}

/** One life of a meta server's part in the Raft group: as in production, but for the sockets, the disk and the clock. */
export class MetaRaft {
  readonly links: SimLinks<RaftEnvelope, RaftEnvelope>;
  readonly runner: RaftRunner<MetaCommand, MetaState, MetaResult>;
  readonly peers: PeerLinks;

  constructor({ id, voters, world, process, disk, random, machine, limits, hello, log, fail }: MetaRaftOptions) {
    const env = {
      nowMs: () => world.nowMs(),
      random,
      at: (ms: number, run: () => void) => process.timer(ms, run),
    };
    this.links = new SimLinks<RaftEnvelope, RaftEnvelope>({
      kind: 'raft',
      network: world.network,
      process,
      hello,
      onEvent: (event) => this.peers.take(event),
    });
    this.peers = new PeerLinks({ id, peers: voters, env, log, perform: (effect) => this.links.perform(effect) });
    const device: LogDevice = {
      write: (change, done) => disk.write(change, (error) => process.deliver(() => done(error))),
      saveSnapshot: (snapshot, done) => disk.saveSnapshot(snapshot, (error) => process.deliver(() => done(error))),
      soon: (run) => process.defer(run),
    };
    this.runner = new RaftRunner({
      id,
      bootstrap: { voters, learners: [] },
      found: disk.open(),
      device,
      transport: this.peers,
      env,
      machine,
      codec: simCodec,
      limits,
      log,
      onFailure: fail,
    });
  }

  start(): void {
    this.peers.start();
    this.runner.start();
  }
}
