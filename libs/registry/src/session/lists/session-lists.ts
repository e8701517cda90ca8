import type { Member } from '#model';
import { type PageWork, pageOf } from '../../listing/page.js';
import type { ListQuery } from '../../listing/query.js';
import { connectionsList } from './connections-list.js';
import type { ConnectionItem, PublisherItem, SubscriberItem } from './items.js';
import type { ListedState } from './listed-state.js';
import { publishersList } from './publishers-list.js';
import { subscribersList } from './subscribers-list.js';

/** Now, by both clocks. */
export interface Clocks {
  nowMs: number;
  wallMs: number;
}

type Parts = Omit<ListedState, 'self' | 'nowMs' | 'timeOfDay'>;

/** What a session server holds, for people, a page at a time. */
export class SessionLists {
  constructor(
    private readonly self: Pick<Member, 'address'>,
    private readonly parts: Parts,
  ) {}

  connections(query: ListQuery, clocks: Clocks): PageWork<ConnectionItem> {
    return pageOf(connectionsList(this.at(clocks), query), query);
  }

  subscribers(query: ListQuery, clocks: Clocks): PageWork<SubscriberItem> {
    return pageOf(subscribersList(this.at(clocks), query), query);
  }

  publishers(query: ListQuery, clocks: Clocks): PageWork<PublisherItem> {
    return pageOf(publishersList(this.at(clocks), query), query);
  }

  private at({ nowMs, wallMs }: Clocks): ListedState {
    const timeOfDay = (atMs: number): string => new Date(wallMs - (nowMs - atMs)).toISOString();
    return { ...this.parts, self: this.self, nowMs, timeOfDay };
  }
}
