import type { Control } from '../harness/control.js';

/** The servers of a system, which run while it is measured. */
export interface Servers {
  /** Where clients are to connect, as `host:port`. They spread over all of them. */
  readonly addresses: readonly string[];
  /** By their names. */
  readonly pids: Readonly<Record<string, number>>;
  /** Where some of them can die and the others go on. */
  readonly control?: Control;
  /** Stops them, and takes what they have stored along. */
  stop(): Promise<void>;
}

/**
 * The clients of a system, in the process that makes the load. Publishers are known by numbers and share a few connections,
 * as the instances of a few processes would; each subscriber has a connection of its own. Values arrive as they were
 * published; what a system tells beside them is its own affair.
 */
export interface Clients {
  /** Opens the connections that publishers share, each with what keeps registrations alive. */
  open(connections: number): Promise<void>;
  /** Registers a publisher for as long as its connection lives. Resolves when the servers have taken it. */
  register(publisher: number, topic: string, value: string): Promise<void>;
  /** Changes what a publisher has registered; subscribers of its topic are told. Resolves when the servers have taken it. */
  publish(publisher: number, value: string): Promise<void>;
  /** Opens a subscriber, which is told what is there and then what changes. Resolves when it will miss nothing any more. */
  subscribe(topic: string, onValue: (value: string) => void): Promise<void>;
  close(): Promise<void>;
}

/**
 * Instances of services, as their users run them: each has a connection of its own, over which it registers itself and is told
 * of the others, and the library it uses brings it back after a failure. They are known by numbers, and what they register
 * stands beside what {@link Clients} do.
 */
export interface Members {
  /** Connects, registers and subscribes. Resolves when the servers have taken it and it will miss nothing any more. */
  join(member: number, topic: string, value: string, onValue: (value: string) => void): Promise<void>;
  /** Changes what a member has registered. Resolves when the servers have taken it, and rejects when they may not have. */
  publish(member: number, value: string): Promise<void>;
  /** Resolves when the registration of a member holds, which its servers have said over its connection of now. */
  confirm(member: number): Promise<void>;
  close(): Promise<void>;
}

/** Where members may connect. */
export interface Reach {
  readonly addresses: readonly string[];
  /** Each knows all addresses, and begins with another one; otherwise each knows one of them. */
  readonly roams: boolean;
}

/** Those that a member knows, the one first where it is to begin. */
export function addressesOf({ addresses, roams }: Reach, member: number): string[] {
  const first = member % addresses.length;
  return roams ? [...addresses.slice(first), ...addresses.slice(0, first)] : [addresses[first]!];
}

/** One system under measurement. */
export interface System {
  readonly name: string;
  /** Of what it consists here, and what it promises about what it has taken: as it comes, unless this says otherwise. */
  readonly setup: string;
  /** What must be there, and the command that brings it. */
  readonly needs?: { readonly files: readonly string[]; readonly install: string };
  version(): Promise<string>;
  /** Starts the servers in a folder of their own and resolves when they serve. */
  start(): Promise<Servers>;
  /** Called in the process that makes the load, which so loads the library of this system and no other. */
  clients(addresses: readonly string[]): Promise<Clients>;
  /** Called there too. Absent where nobody could come back to anything. */
  members?(reach: Reach): Promise<Members>;
}
