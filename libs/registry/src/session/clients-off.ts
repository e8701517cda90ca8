import type { SessionContext } from './context.js';
import type { ConnectionId } from './contract.js';
import { SWITCH_EVERY_MS, SWITCH_PUBLICATIONS } from './limits.js';

/** What is done to the publications of one connection; answers how many those were. */
interface Withdrawals {
  withdrawOwned(connection: ConnectionId): number;
  bringBackOwned(connection: ConnectionId): number;
}

interface Connections {
  ids(): Iterator<ConnectionId>;
  get(connection: ConnectionId): { address: string } | undefined;
}

/**
 * The clients that operators have switched off, by the address that they connect from. They stay connected and notice
 * nothing; what they publish is held, and in nobody's view. To the leader that is a removal with the stamp that it came
 * with, recorded as an operator's: so replicas, next leaders and late messages treat it as they do any removal, and what
 * the client publishes elsewhere, at a higher stamp, is for the session server there to judge. When the switch changes,
 * connections are gone through a share at a time.
 */
export class ClientsOff {
  private addresses: ReadonlySet<string>;
  /** Where the pass under way has got to; connections that come meanwhile are judged by what they publish. */
  private pass: Iterator<ConnectionId> | undefined;

  constructor(
    private readonly context: SessionContext,
    private readonly connections: Connections,
    private readonly withdrawals: Withdrawals,
  ) {
    this.addresses = new Set(context.switches.clientsOff);
  }

  isOff(connection: ConnectionId): boolean {
    if (this.addresses.size === 0) return false;
    const address = this.connections.get(connection)?.address;
    return address !== undefined && this.addresses.has(address);
  }

  switched(): void {
    this.addresses = new Set(this.context.switches.clientsOff);
    const isUnderWay = this.pass !== undefined;
    this.pass = this.connections.ids();
    if (!isUnderWay) this.goOn();
  }

  private goOn(): void {
    const { withdrawals } = this;
    for (let done = 0; done < SWITCH_PUBLICATIONS;) {
      const next = this.pass!.next();
      if (next.done) {
        this.pass = undefined;
        return;
      }
      const isOff = this.isOff(next.value);
      done += 1 + (isOff ? withdrawals.withdrawOwned(next.value) : withdrawals.bringBackOwned(next.value));
    }
    this.context.timers.at(this.context.nowMs + SWITCH_EVERY_MS, () => this.goOn());
  }
}
