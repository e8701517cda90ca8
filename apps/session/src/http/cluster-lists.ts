import { setTimeout } from 'node:timers/promises';
import { type Member, RegistryError } from '#model';
import { PageTurns } from '#nest';
import {
  type ListQuery,
  type Page,
  type PageWork,
  type RemovalItem,
  formatCursor,
  mergePages,
  presentPage,
  readPage,
} from '#registry';
import type { SessionHost } from '../session.host.js';
import { askPeers } from './ask-peers.js';
import { withClients } from './removed-clients.js';

export type SessionList = 'connections' | 'subscribers' | 'publishers';
export type DataList = 'datums' | 'removals';

type Answer = Record<string, unknown>;

interface Unanswered {
  server: string;
  reason: string;
}

/** While slots change hands, a page is asked for again; a table is everywhere within some milliseconds. */
const ATTEMPTS = 3;
const AGAIN_MS = 50;

/**
 * The lists of the whole cluster, on any session server: of every server its next page behind the same place, made one. Who has not
 * answered in time is named, and its part is missing.
 */
export class ClusterLists {
  private readonly turns = new PageTurns();

  constructor(private readonly host: SessionHost) {}

  /**
   * Of all session servers, or of this one alone.
   * @param requestId of the request that asks for it
   */
  async ofSessions(list: SessionList, asked: ListQuery, requestId?: string): Promise<object> {
    const { core } = this;
    const { address } = core.lists;
    const making = this.turns.make<Page<object>>(() => core.lists[list](asked, this.host.clocks) as PageWork<object>);
    if (asked.isLocal) return presentPage(list, named('session', address, await making), asked);
    const others = this.members('session').filter(({ incarnation }) => incarnation !== core.incarnation);
    const [own, { pages, unanswered }] = await Promise.all([
      making,
      this.ask('session', list, others, asked, requestId),
    ]);
    const page = mergePages([named('session', address, own), ...pages.map(({ page }) => page)], asked.limit);
    return { ...presentPage(list, page, asked), unanswered };
  }

  /** Of all data servers, each of which tells what it leads. */
  async ofData(list: DataList, asked: ListQuery, requestId?: string): Promise<object> {
    for (let attempt = 1; ; attempt++) {
      const { pages, unanswered } = await this.ask('data', list, this.members('data'), asked, requestId);
      const merged = mergePages(
        pages.map((each) => each.page),
        asked.limit,
      );
      const page = list === 'removals' ? await this.withClients(merged, requestId) : merged;
      const leaderless = (this.core.table?.slots ?? []).filter(({ leader }) => leader === null).length;
      const answer = { ...presentPage(list, page, asked), unanswered, ...(leaderless > 0 ? { leaderless } : {}) };
      if (list !== 'datums' || areSettled(pages.map((each) => each.answer))) return answer;
      if (attempt === ATTEMPTS) return { ...answer, unsettled: true };
      await setTimeout(AGAIN_MS);
    }
  }

  /** Those of the asked connections that are known here; none where another session server is meant. */
  clients({ session, connections }: { session: string; connections: number[] }): object {
    const { core } = this;
    return { clients: session === core.incarnation ? core.lists.clients(connections) : [] };
  }

  private async ask(
    role: Member['role'],
    list: SessionList | DataList,
    members: readonly Member[],
    asked: ListQuery,
    requestId: string | undefined,
  ): Promise<{ pages: { page: Page<object>; answer: Answer }[]; unanswered: Unanswered[] }> {
    const pages: { page: Page<object>; answer: Answer }[] = [];
    const unanswered: Unanswered[] = [];
    for (const { session: server, report, unanswered: reason } of await askPeers<Answer>(
      members,
      pathOf(list, asked),
      requestId,
    )) {
      const page = report && readPage(list, report);
      if (page) pages.push({ page: role === 'data' ? named('leader', server, page) : page, answer: report });
      else unanswered.push({ server, reason: reason ?? 'It does not know this list.' });
    }
    return { pages, unanswered };
  }

  private async withClients(page: Page<object>, requestId?: string): Promise<Page<object>> {
    return { ...page, items: await withClients(this.core, page.items as RemovalItem[], requestId) };
  }

  private members(role: Member['role']): Member[] {
    return (this.core.table?.members ?? []).filter((member) => member.role === role);
  }

  private get core(): NonNullable<SessionHost['core']> {
    const { core } = this.host;
    if (!core?.table) throw new RegistryError('NOT_READY');
    return core;
  }
}

/** What to ask others, who answer for themselves. */
function pathOf(list: string, { limit, after, filter }: ListQuery): string {
  const query = new URLSearchParams({ ...filter, limit: String(limit), local: 'true' });
  if (after) query.set('after', formatCursor(list, after));
  return `/v1/${list}?${query.toString()}`;
}

function named(field: 'session' | 'leader', address: string, page: Page<object>): Page<object> {
  return { ...page, items: page.items.map((item) => ({ [field]: address, ...item })) };
}

/** By one table every slot has one leader, so all of them together have everything once. */
function areSettled(answers: readonly Answer[]): boolean {
  const epochs = new Set(answers.map(({ tableEpoch }) => tableEpoch));
  return epochs.size <= 1 && !epochs.has(undefined);
}
