/** The types of cluster.mjs, for the tests, which are TypeScript. */
export type Tier = 'meta' | 'data' | 'session';

export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

export class ClusterNode {
  constructor(
    node: { name: string; tier: Tier; rpcPort: number; httpPort: number },
    cluster: { dir: string; metaAddresses: readonly string[]; env: Readonly<Record<string, string>>; workers?: number },
  );
  readonly name: string;
  readonly tier: Tier;
  readonly rpcPort: number;
  readonly httpPort: number;
  readonly rpcAddress: string;
  readonly httpAddress: string;
  readonly dataDir: string;
  readonly logFile: string;
  readonly env: Readonly<Record<string, string>>;
  /** Of the run under way or the last one. */
  readonly exited: Promise<Exit>;
  get pid(): number | undefined;
  start(): this;
  ready(timeoutMs?: number): Promise<this>;
  kill(signal?: NodeJS.Signals): Promise<Exit>;
  stop(timeoutMs?: number): Promise<Exit>;
  pause(): void;
  resume(): void;
  log(): string;
  lastWords(): string;
}

export interface ClusterOptions {
  dir: string;
  meta?: number;
  data?: number;
  session?: number;
  /** Processes of each session server, which share its ports. */
  workers?: number;
  /** Ports are counted up from here; 0 chooses at random. */
  basePort?: number;
  /** Settings for every node, such as ROLLCALL_SESSION_LIMITS_GRACE_MS. */
  env?: Readonly<Record<string, string>>;
  /** Settings for some nodes, by their names. */
  envOf?: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

export class Cluster {
  static open(options: ClusterOptions): Promise<Cluster>;
  readonly dir: string;
  /** Of each session server that is started from now on. */
  workers: number;
  readonly nodes: readonly ClusterNode[];
  readonly metaAddresses: readonly string[];
  node(name: string): ClusterNode;
  of(tier: Tier): ClusterNode[];
  start(timeoutMs?: number): Promise<this>;
  stop(): Promise<string[]>;
  kill(): Promise<void>;
}

export function describeExit(exit: Exit): string;

/**
 * Resolves once nothing is moved between data servers, nor about to be, with the epoch of the table then; rejects where that
 * takes too long.
 * @param meta answers a meta server, asked anew every time since it may be another
 */
export function balanced(meta: () => ClusterNode, timeoutMs?: number): Promise<number>;

/**
 * Answers, call by call, ports that nobody holds: counting up from a base, or, when the base is 0, from somewhere at
 * random, and then none that was answered at random before.
 */
export function portsFrom(
  basePort: number,
  knownNodes?: readonly { rpcPort: number; httpPort: number }[],
): () => Promise<number>;
