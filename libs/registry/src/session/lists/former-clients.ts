import type { Connection } from '../connections.js';
import type { ConnectionId } from '../contract.js';

/** Of connections that have ended. */
const KEPT = 5_000;

export interface KnownClient {
  connection: ConnectionId;
  address: string;
  appName: string;
}

/** Whose the latest connections were that have ended, since what they published is looked for when they have gone. */
export class FormerClients {
  /** In the order in which they ended. */
  private readonly clients = new Map<ConnectionId, KnownClient>();

  add({ id, address, appName, isAdmitted }: Connection): void {
    if (!isAdmitted) return;
    this.clients.set(id, { connection: id, address, appName });
    if (this.clients.size > KEPT) this.clients.delete(this.clients.keys().next().value!);
  }

  get(id: ConnectionId): KnownClient | undefined {
    return this.clients.get(id);
  }
}
