import type { Member } from '#model';
import type { Clocks } from '../../listing/clocks.js';
import { type PageWork, pageOf } from '../../listing/page.js';
import type { ListQuery } from '../../listing/query.js';
import { connectionsList } from './connections-list.js';
import type { ConnectionId } from '../contract.js';
import type { KnownClient } from './former-clients.js';
import type { ConnectionItem, PublisherItem, SubscriberItem } from './items.js';
import type { ListedState } from './listed-state.js';
import { publishersList } from './publishers-list.js';
import { subscribersList } from './subscribers-list.js';

type Parts = Omit<ListedState, 'self' | 'clocks'>;

/** What a session server holds, for people, a page at a time. */
export class SessionLists {
  constructor(
    private readonly self: Pick<Member, 'address'>,
    private readonly parts: Parts,
  ) {}

  /** Which the server names itself by. */
  get address(): string {
    return this.self.address;
  }

  connections(query: ListQuery, clocks: Clocks): PageWork<ConnectionItem> {
    return pageOf(connectionsList(this.at(clocks), query), query);
  }

  subscribers(query: ListQuery, clocks: Clocks): PageWork<SubscriberItem> {
    return pageOf(subscribersList(this.at(clocks), query), query);
  }

  publishers(query: ListQuery, clocks: Clocks): PageWork<PublisherItem> {
    return pageOf(publishersList(this.at(clocks), query), query);
  }

  /** Whose connections those are or were, as far as that is known here. */
  clients(connections: readonly ConnectionId[]): KnownClient[] {
    return connections.flatMap((id) => {
      const known = this.parts.connections.get(id) ?? this.parts.connections.former.get(id);
      return known ? { connection: id, address: known.address, appName: known.appName } : [];
    });
  }

  private at(clocks: Clocks): ListedState {
    return { ...this.parts, self: this.self, clocks };
  }
}
