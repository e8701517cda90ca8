/** What somebody registers: a value of a topic, which names its publisher; see `values.ts`. */
export interface Registration {
  topic: string;
  value: string;
}

/**
 * One system under measurement: its servers are processes of their own, its clients run in the harness. Values arrive as
 * they were published; what a system tells beside them is its own affair.
 */
export interface Driver {
  readonly name: string;
  /** Starts the servers and resolves when they serve. */
  start(): Promise<void>;
  /** Registers publishers, numbered as in the list. Resolves when the server has taken all. */
  register(publishers: readonly Registration[]): Promise<void>;
  /** Opens a subscriber for each topic of the list, each on a connection of its own; resolves when all are subscribed. */
  subscribe(topics: readonly string[], onValue: (subscriber: number, value: string) => void): Promise<void>;
  /** Changes the value of a publisher; subscribers of its topic are told. Resolves when the server has taken it. */
  publish(publisher: number, value: string): Promise<void>;
  /** Processor time, in milliseconds, of the server that pushes; NaN where the system does not tell. */
  pushingCpuMs(): number;
  /** Closes all clients, and stops the servers. */
  stop(): Promise<void>;
}
