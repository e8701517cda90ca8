import type { DataInfoId, Member, RoutingTable } from '#model';
import { slotOf } from '#sharding';
import { type PageWork, pageOf } from '../../listing/page.js';
import type { ListQuery } from '../../listing/query.js';
import type { SlotReplica } from '../slot-replica.js';
import { contentsList } from './contents-list.js';
import { datumsList } from './datums-list.js';
import type { ContentItem, Contents, DatumItem, RemovalItem } from './items.js';
import { KnownAddresses } from './known-addresses.js';
import { type RemovalClocks, removalsList } from './removals-list.js';

/** What a data server holds of the slots that it leads, for people, a page at a time. */
export class DataLists {
  private slots = 0;
  private readonly addresses = new KnownAddresses();

  constructor(
    self: Member,
    private readonly led: (slot: number) => SlotReplica | undefined,
  ) {
    this.addresses.takeTable({ members: [self] });
  }

  takeTable(table: RoutingTable): void {
    this.slots = table.slots.length;
    this.addresses.takeTable(table);
  }

  datums(query: ListQuery): PageWork<DatumItem> {
    return pageOf(datumsList(this.slots, this.led, query), query);
  }

  /** Of a datum, also of one that nobody has published; undefined when its slot is not led here. */
  contents(dataInfoId: DataInfoId, query: ListQuery): { datum: Contents; page: PageWork<ContentItem> } | undefined {
    const slot = this.slots === 0 ? undefined : slotOf(dataInfoId, this.slots);
    const replica = slot === undefined ? undefined : this.led(slot);
    if (!replica) return undefined;
    const { isComplete: complete } = replica;
    const count = replica.find(dataInfoId)?.publications.size ?? 0;
    const datum = { dataInfoId, slot: slot!, version: replica.version(dataInfoId), complete, count };
    return { datum, page: pageOf(contentsList(replica, dataInfoId), query) };
  }

  removals(query: ListQuery, clocks: RemovalClocks): PageWork<RemovalItem> {
    const { slots, led, addresses } = this;
    const named = (incarnation: string): ReturnType<KnownAddresses['named']> => addresses.named(incarnation);
    return pageOf(removalsList({ slots, led, named, clocks }, query), query);
  }
}
