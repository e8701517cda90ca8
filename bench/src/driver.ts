/** One system under measurement: its servers are processes of their own, its clients run in the harness. */
export interface Driver {
  readonly name: string;
  /** Starts the servers and resolves when they serve. */
  start(): Promise<void>;
  /** Opens `count` subscribers of one topic, each on a connection of its own; resolves when all are subscribed. */
  subscribe(count: number, onValue: (subscriber: number, value: string) => void): Promise<void>;
  /** Publishes a value of the topic; subscribers of the topic are told. Resolves when the server has taken it. */
  publish(value: string): Promise<void>;
  /** Closes subscribers and publisher, and stops the servers. */
  stop(): Promise<void>;
}
