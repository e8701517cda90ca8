import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, openSync, closeSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { at } from './paths.mjs';

const HOST = '127.0.0.1';
const TIERS = ['meta', 'data', 'session'];
/** Of the log of a server that does not get ready: enough to see whether it votes, dials or waits for its disk. */
const LINES_SHOWN = 20;
const READY_TIMEOUT_MS = 30_000;
/** Longer than a session server may take to send its clients elsewhere and to close. */
const STOP_TIMEOUT_MS = 30_000;
const POLL_MS = 25;
/** Many times what it takes where slots are moved between a few servers that are idle. */
const BALANCED_TIMEOUT_MS = 60_000;
const DEFAULT_BASE_PORT = 9700;

/**
 * Below the ports that systems hand out by themselves, so that nobody is given one of ours meanwhile. Tests that run side
 * by side have parts of their own: a port is free until the server that it was chosen for listens.
 */
const RANDOM_PORTS = { first: 20_000, count: 3_000, parts: 4 };

/** One server process of a cluster: it can be started, stopped, killed and started again on the same ports and folder. */
export class ClusterNode {
  #child;
  #logStart = 0;

  constructor({ name, tier, rpcPort, httpPort }, cluster) {
    Object.assign(this, { name, tier, rpcPort, httpPort });
    this.cluster = cluster;
    this.rpcAddress = `${HOST}:${rpcPort}`;
    this.httpAddress = `${HOST}:${httpPort}`;
    this.dataDir = join(cluster.dir, name);
    this.logFile = join(cluster.dir, 'logs', `${name}.log`);
  }

  /** Undefined while it does not run. */
  get pid() {
    return this.#child?.pid;
  }

  /** What tells this process apart from the others; the rest of its settings is the cluster's. */
  get env() {
    const prefix = `ROLLCALL_${this.tier.toUpperCase()}`;
    return {
      ROLLCALL_CLUSTER_META_ADDRESSES: this.cluster.metaAddresses.join(','),
      [`${prefix}_RPC_PORT`]: String(this.rpcPort),
      [`${prefix}_HTTP_PORT`]: String(this.httpPort),
      [`${prefix}_DATA_DIR`]: this.dataDir,
      ...(this.tier === 'session' && this.cluster.workers > 1 ? workersEnv(this.cluster.workers) : {}),
    };
  }

  /** Starts the process; see {@link ready} for when it serves. */
  start() {
    if (this.#child) throw new Error(`${this.name} runs already.`);
    mkdirSync(join(this.cluster.dir, 'logs'), { recursive: true });
    this.#logStart = existsSync(this.logFile) ? statSync(this.logFile).size : 0;
    const log = openSync(this.logFile, 'a');
    // A process group of its own keeps a terminal's Ctrl-C away from it: the cluster decides who stops when.
    const child = spawn(process.execPath, [at(`dist/apps/${this.tier}/src/main.js`)], {
      env: { ...process.env, ...this.cluster.env, ...this.cluster.envOf?.[this.name], ...this.env },
      stdio: ['ignore', log, log],
      detached: true,
    });
    closeSync(log);
    this.#child = child;
    this.exited = once(child, 'exit').then(([code, signal]) => {
      this.#child = undefined;
      return { code, signal };
    });
    return this;
  }

  /** Resolves once `/health/ready` says yes; rejects when the process ends before that or takes too long. */
  async ready(timeoutMs = READY_TIMEOUT_MS) {
    const deadlineMs = performance.now() + timeoutMs;
    let answer = 'no answer';
    for (;;) {
      const ended = await Promise.race([this.exited, sleep(POLL_MS)]);
      if (ended)
        throw new Error(`${this.name} ended (${describeExit(ended)}) before it was ready: ${this.lastWords()}`);
      answer = await health(this.httpAddress);
      if (answer === 'ok') return this;
      if (performance.now() > deadlineMs)
        throw new Error(
          `${this.name} was not ready within ${timeoutMs} ms: ${answer}. What it said last:\n${this.lastWords(LINES_SHOWN)}`,
        );
    }
  }

  /** Ends it as a crash would (or with another signal), and resolves when it is gone. */
  async kill(signal = 'SIGKILL') {
    this.#child?.kill(signal);
    return this.exited;
  }

  /** Stops it cleanly; by force if that takes too long. Resolves with how it ended. */
  async stop(timeoutMs = STOP_TIMEOUT_MS) {
    const child = this.#child;
    if (!child) return this.exited;
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
    const ended = await this.exited;
    clearTimeout(timer);
    return ended;
  }

  /** Stops it from being scheduled, as a long pause would, or lets it go on. */
  pause() {
    this.#child?.kill('SIGSTOP');
  }

  resume() {
    this.#child?.kill('SIGCONT');
  }

  /** What it has logged since it was last started. */
  log() {
    return existsSync(this.logFile) ? readFileSync(this.logFile).subarray(this.#logStart).toString() : '';
  }

  lastWords(lines = 1) {
    return this.log().trim().split('\n').slice(-lines).join('\n') || 'it said nothing';
  }
}

/** Real server processes on loopback, each with its own ports and folder, remembered in the cluster's folder. */
export class Cluster {
  #stopping = false;

  /**
   * Opens the cluster of a folder, making what it lacks. A node keeps its ports for as long as the folder lives; counts
   * left out are those of the last time.
   */
  static async open({ dir, meta, data, session, workers, basePort, env = {}, envOf = {} }) {
    const file = join(resolve(dir), 'cluster.json');
    const known = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : { counts: {}, nodes: [] };
    const counts = {
      meta: meta ?? known.counts.meta ?? 1,
      data: data ?? known.counts.data ?? 2,
      session: session ?? known.counts.session ?? 2,
      workers: workers ?? known.counts.workers ?? 1,
    };
    // A group of meta servers knows its members; it does not grow by being told of more.
    if (known.counts.meta !== undefined && counts.meta !== known.counts.meta)
      throw new Error(
        `the cluster in ${resolve(dir)} was made with ${known.counts.meta} meta server(s), which stays so; use another folder`,
      );
    const freePort = portsFrom(basePort ?? DEFAULT_BASE_PORT, known.nodes);
    const nodes = [...known.nodes];
    for (const tier of TIERS)
      for (let number = 1; number <= counts[tier]; number++) {
        const name = `${tier}-${number}`;
        if (!nodes.some((node) => node.name === name))
          nodes.push({ name, tier, rpcPort: await freePort(), httpPort: await freePort() });
      }
    mkdirSync(resolve(dir), { recursive: true });
    writeFileSync(file, `${JSON.stringify({ counts, nodes }, undefined, 2)}\n`);
    const chosen = TIERS.flatMap((tier) => nodes.filter((node) => node.tier === tier).slice(0, counts[tier]));
    return new Cluster(resolve(dir), chosen, env, counts.workers, envOf);
  }

  constructor(dir, nodes, env, workers, envOf) {
    this.dir = dir;
    this.env = env;
    this.envOf = envOf;
    /** Of each session server. */
    this.workers = workers;
    this.metaAddresses = nodes.filter(({ tier }) => tier === 'meta').map(({ rpcPort }) => `${HOST}:${rpcPort}`);
    this.nodes = nodes.map((node) => new ClusterNode(node, this));
  }

  /** A node by its name, such as `data-1`. */
  node(name) {
    const node = this.nodes.find((candidate) => candidate.name === name);
    if (!node) throw new Error(`The cluster has no node ${name}.`);
    return node;
  }

  of(tier) {
    return this.nodes.filter((node) => node.tier === tier);
  }

  /** Starts every node and resolves once all are ready; when one is not, all are ended. */
  async start(timeoutMs = READY_TIMEOUT_MS) {
    this.#stopping = false;
    process.once('exit', this.#killAll);
    for (const node of this.nodes) node.start();
    try {
      await Promise.all(this.nodes.map((node) => node.ready(timeoutMs)));
    } catch (error) {
      // Who is being stopped while starting is left to stop cleanly.
      if (!this.#stopping) await this.kill();
      throw error;
    }
    return this;
  }

  /** Stops tier after tier, those first that others do not depend on. Resolves with the names of what did not exit with 0. */
  async stop() {
    this.#stopping = true;
    const unclean = [];
    for (const tier of TIERS.toReversed())
      await Promise.all(
        this.of(tier).map(async (node) => {
          if (node.pid === undefined) return;
          const ended = await node.stop();
          if (ended.code !== 0) unclean.push(`${node.name} (${describeExit(ended)})`);
        }),
      );
    process.off('exit', this.#killAll);
    return unclean;
  }

  /** Ends everything at once. */
  async kill() {
    await Promise.all(this.nodes.map((node) => node.pid !== undefined && node.kill()));
    process.off('exit', this.#killAll);
  }

  /** The last resort, so that no server outlives the process that started it. */
  #killAll = () => {
    for (const node of this.nodes) void node.kill();
  };
}

/**
 * Resolves once nothing is moved between data servers, nor about to be, with the epoch of the table then; rejects where that
 * takes too long.
 * @param meta answers a meta server, asked anew every time since it may be another
 */
export async function balanced(meta, timeoutMs = BALANCED_TIMEOUT_MS) {
  const deadlineMs = performance.now() + timeoutMs;
  for (;;) {
    const plan = await rebalanceOf(meta().httpAddress);
    if (plan && plan.next.steps + plan.underWay.joining + plan.offBalance.leads + plan.offBalance.replicas === 0)
      return plan.epoch;
    if (performance.now() > deadlineMs) throw new Error(`the slots were not at rest within ${timeoutMs} ms`);
    await sleep(POLL_MS);
  }
}

/** Undefined while it has none to tell, or does not answer. */
async function rebalanceOf(httpAddress) {
  try {
    const response = await fetch(`http://${httpAddress}/v1/rebalance`, { signal: AbortSignal.timeout(2_000) });
    return response.ok ? await response.json() : undefined;
  } catch {
    return undefined;
  }
}

/** The ports that each has for itself are any: clients learn them, and nobody else needs to know. */
function workersEnv(workers) {
  return { ROLLCALL_SESSION_WORKERS: String(workers), ROLLCALL_SESSION_WORKER_PORT: '0' };
}

export function describeExit({ code, signal }) {
  return signal ?? `exit code ${code}`;
}

async function health(httpAddress) {
  try {
    const response = await fetch(`http://${httpAddress}/health/ready`, { signal: AbortSignal.timeout(2_000) });
    return response.ok ? 'ok' : ((await response.json()).message ?? `HTTP ${response.status}`);
  } catch (error) {
    return error.cause?.message || error.message;
  }
}

/** What this process has chosen at random: whom it is for may not listen yet, or be dead and about to come back. */
const chosen = new Set();

/**
 * Answers, call by call, ports that nobody holds: counting up from a base, or, when the base is 0, from somewhere at
 * random, and then none that was answered at random before.
 */
export function portsFrom(basePort, knownNodes = []) {
  const known = new Set(knownNodes.flatMap(({ rpcPort, httpPort }) => [rpcPort, httpPort]));
  const taken = basePort ? new Set() : chosen;
  let next = basePort || randomPort();
  return async () => {
    while (known.has(next) || taken.has(next) || !(await isFree(next)))
      if (++next > 65_535) throw new Error('No port is free.');
    taken.add(next);
    return next;
  };
}

function randomPort() {
  const { first, count, parts } = RANDOM_PORTS;
  const part = Number(process.env.JEST_WORKER_ID ?? 1) % parts;
  return first + part * count + Math.floor(Math.random() * count);
}

async function isFree(port) {
  const server = createServer();
  try {
    await once(server.listen(port, HOST), 'listening');
    return true;
  } catch {
    return false;
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
}
