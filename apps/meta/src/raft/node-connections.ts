import { RpcConnection } from '#client';
import type { NodeId } from '#consensus';
import { RegistryError } from '#model';
import { parseAddress } from '#nest';

const CONNECT_TIMEOUT_MS = 2_000;
/** More than a group has nodes, so that only those which are no longer asked go. */
const OPEN_MAX = 16;

/** One connection, and how many requests wait for answers over it. */
interface Open {
  connection: Promise<RpcConnection>;
  waiting: number;
}

/**
 * What this node asks of others by RPC, over one connection to each, which is opened when it is first needed and kept
 * while it works: a request that is handed on pays for no handshake.
 */
export class NodeConnections {
  private readonly open = new Map<NodeId, Open>();

  /**
   * @throws RegistryError NO_LEADER where nobody can be reached, after which nothing has been asked; what the other node
   * answers; CONNECTION_CLOSED and DEADLINE_EXCEEDED, which leave open what has been done
   */
  async request(to: NodeId, pattern: string, request: object, timeoutMs: number): Promise<unknown> {
    const open = this.openTo(to, Math.min(CONNECT_TIMEOUT_MS, timeoutMs));
    open.waiting++;
    try {
      const connection = await open.connection;
      return await connection.request(pattern, request, { timeoutMs });
    } catch (error) {
      // Its machine may have vanished, which a connection takes long to notice.
      if ((error as RegistryError).code === 'DEADLINE_EXCEEDED') this.forget(to, open);
      throw error;
    } finally {
      open.waiting--;
      this.closeIfLeft(to, open);
    }
  }

  close(): void {
    for (const [to, open] of this.open) {
      this.open.delete(to);
      void open.connection.then((connection) => connection.close()).catch(() => undefined);
    }
  }

  private openTo(to: NodeId, connectTimeoutMs: number): Open {
    const known = this.open.get(to);
    if (known) return known;
    const open: Open = { connection: connect(to, connectTimeoutMs), waiting: 0 };
    this.open.set(to, open);
    open.connection
      .then((connection) => connection.onClose(() => this.forget(to, open)))
      .catch(() => this.forget(to, open));
    for (const [oldest, left] of this.open) {
      if (this.open.size <= OPEN_MAX) break;
      this.forget(oldest, left);
      this.closeIfLeft(oldest, left);
    }
    return open;
  }

  /** The next request opens another. */
  private forget(to: NodeId, open: Open): void {
    if (this.open.get(to) === open) this.open.delete(to);
  }

  /** One that is not used any more goes with its last answer. */
  private closeIfLeft(to: NodeId, open: Open): void {
    if (open.waiting > 0 || this.open.get(to) === open) return;
    void open.connection.then((connection) => connection.close()).catch(() => undefined);
  }
}

async function connect(to: NodeId, connectTimeoutMs: number): Promise<RpcConnection> {
  const address = parseAddress(to);
  if (!address) throw new RegistryError('NO_LEADER', `The leader ${to} has no address that can be reached.`);
  return RpcConnection.connect({ ...address, connectTimeoutMs }).catch((cause) => {
    // Nothing has been asked yet, so asking again is safe; a connection lost later leaves that open.
    throw new RegistryError('NO_LEADER', `The leader ${to} cannot be reached.`, { cause, details: { leader: to } });
  });
}
