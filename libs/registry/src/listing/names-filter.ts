import { type DataInfoId, SEPARATOR, toDataInfoId } from '#model';

export interface NameFilter {
  /** Of the dataId. */
  prefix?: string;
  dataId?: string;
  group?: string;
  instanceId?: string;
}

/** Which dataInfoIds are looked for. What is not said may be anything. */
export class NamesFilter {
  /** The only one, where the filter says all of it. */
  readonly exact: DataInfoId | undefined;
  private readonly begin: string;

  constructor(private readonly filter: NameFilter) {
    const { prefix = '', dataId, group, instanceId } = filter;
    const isWhole = dataId !== undefined && group !== undefined && instanceId !== undefined;
    this.exact = isWhole ? toDataInfoId({ dataId, group, instanceId }) : undefined;
    this.begin = dataId === undefined ? prefix : `${dataId}${SEPARATOR}`;
  }

  /** No name holds the separator, so what stands before the first one is the dataId. */
  matches(dataInfoId: DataInfoId): boolean {
    if (this.exact !== undefined && dataInfoId !== this.exact) return false;
    if (!dataInfoId.startsWith(this.begin)) return false;
    const { prefix = '', group, instanceId } = this.filter;
    if (!dataInfoId.startsWith(prefix)) return false;
    if (group === undefined && instanceId === undefined) return true;
    const [, instance, last] = dataInfoId.split(SEPARATOR);
    return (group ?? last) === last && (instanceId ?? instance) === instance;
  }

  /** The slots in which there can be any. */
  slots(count: number, slotOf: (dataInfoId: DataInfoId) => number): readonly [from: number, to: number] {
    if (this.exact === undefined || count === 0) return [0, count];
    const slot = slotOf(this.exact);
    return [slot, slot + 1];
  }
}
