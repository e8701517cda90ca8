import { RpcConnection } from '#client';
import { ABOUT_PATTERN, type About, type ServerRole } from '#model';
import { CliFailure, Refused, Unreachable, WrongUsage, reasonOf } from '../failures.js';
import { Api, type ApiOptions } from './api.js';
import type { Members, RaftStatus } from './answers.js';

/** Where the tiers listen that a command may begin with, as their settings have it by default. */
export const DEFAULT_ADDRESSES = { meta: '127.0.0.1:9615', session: '127.0.0.1:9603' } as const;

const ASK_MS = 2_000;

/** A server that has answered. One of a version that does not tell is taken for what is needed. */
export interface Found {
  api: Api;
  about: About | undefined;
}

/** A meta server, by its id, which is its RPC address. */
export interface MetaNode {
  id: string;
  about?: About;
  unanswered?: string;
}

/** The way to the servers of a cluster from any one of them. */
export class Cluster {
  private readonly found = new Map<ServerRole, Promise<Found>>();

  /** @param addresses HTTP addresses of any of its servers, asked in turn until one answers */
  constructor(
    private readonly addresses: readonly string[] | undefined,
    private readonly options: ApiOptions,
  ) {}

  at(address: string): Api {
    return new Api(baseOf(address), this.options);
  }

  /** It does not answer any more: the next time it is looked for anew. */
  forget(role: ServerRole): void {
    this.found.delete(role);
  }

  async meta(): Promise<Api> {
    return (await this.find('meta')).api;
  }

  async session(): Promise<Api> {
    return (await this.find('session')).api;
  }

  /** Who is there, and who was lately. */
  async members(): Promise<Members> {
    return (await this.meta()).get<Members>('/v1/members');
  }

  /** The server that was named, whatever it is; where none was, the usual one of this role. */
  async first(usual: keyof typeof DEFAULT_ADDRESSES): Promise<Found> {
    const addresses = this.addresses ?? [DEFAULT_ADDRESSES[usual]];
    let failure: unknown;
    for (const address of addresses)
      try {
        return await this.ask(this.at(address));
      } catch (error) {
        if (!(error instanceof Unreachable)) throw error;
        failure ??= error;
      }
    throw failure;
  }

  /** @throws Unreachable */
  async ask(api: Api): Promise<Found> {
    try {
      return { api, about: await api.get<About>('/version', {}, ASK_MS) };
    } catch (error) {
      if (error instanceof Refused && error.status === 404) return { api, about: undefined };
      throw error;
    }
  }

  find(role: 'meta' | 'session'): Promise<Found> {
    let found = this.found.get(role);
    if (!found) this.found.set(role, (found = this.search(role)));
    return found;
  }

  /** Every meta server of the group, as the node at hand has its configuration. */
  async metaNodes(): Promise<{ status: RaftStatus; nodes: MetaNode[] }> {
    const status = await (await this.meta()).get<RaftStatus>('/v1/raft/status');
    const { voters, outgoing = [], learners } = status.configuration;
    const ids = [...new Set([...voters, ...outgoing, ...learners])].toSorted();
    return { status, nodes: await Promise.all(ids.map(askMeta)) };
  }

  private async search(role: 'meta' | 'session'): Promise<Found> {
    const first = await this.first(role);
    const { about } = first;
    if (about === undefined || about.role === role) return first;
    if (role === 'meta') return this.metaFrom(about);
    return this.sessionFrom();
  }

  private async metaFrom({ role, address, metaAddresses }: About): Promise<Found> {
    const reasons: string[] = [];
    for (const id of metaAddresses) {
      const { about, unanswered } = await askMeta(id);
      if (about?.role === 'meta') return { api: this.at(about.httpAddress), about };
      reasons.push(`${id}: ${unanswered ?? 'something else is there'}`);
    }
    throw new CliFailure(
      `No meta server can be reached by what the ${role} server ${address} knows (${reasons.join('; ')}). ` +
        'Name the HTTP address of one with --address HOST:PORT.',
    );
  }

  private async sessionFrom(): Promise<Found> {
    const { members } = await this.members();
    const sessions = members.filter(({ role }) => role === 'session');
    if (sessions.length === 0) throw new CliFailure('The cluster has no session server just now. Start one.');
    let failure: unknown;
    for (const { httpAddress } of sessions)
      try {
        return await this.ask(this.at(httpAddress));
      } catch (error) {
        if (!(error instanceof Unreachable)) throw error;
        failure = error;
      }
    throw failure;
  }
}

/** What a meta server says of itself over RPC, which is all that its group knows of where it is. */
export async function askMeta(id: string): Promise<MetaNode> {
  try {
    return { id, about: await askOverRpc(id) };
  } catch (error) {
    return { id, unanswered: reasonOf(error) };
  }
}

/** @throws RegistryError */
export async function askOverRpc(address: string): Promise<About> {
  const { hostname, port } = new URL(`rpc://${address}`);
  const host = hostname.replace(/^\[|\]$/g, '');
  const connection = await RpcConnection.connect({ host, port: Number(port), connectTimeoutMs: ASK_MS });
  try {
    return (await connection.request(ABOUT_PATTERN, {}, { timeoutMs: ASK_MS })) as About;
  } finally {
    connection.close();
  }
}

/** @throws WrongUsage */
function baseOf(address: string): string {
  const hasScheme = /^https?:\/\//.test(address);
  const text = hasScheme ? address : `http://${address}`;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || url.pathname !== '/' || !(hasScheme || /:\d+$/.test(address)))
    throw new WrongUsage(`${address} is no address: name it as HOST:PORT, such as ${DEFAULT_ADDRESSES.meta}.`);
  return url.origin;
}
