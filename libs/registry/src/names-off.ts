import { type DataInfoId, type PublicationName, SEPARATOR, type Switches } from '#model';

/** What operators have switched off by its name. It is asked once or twice for every publication, and costs nothing while empty. */
export class NamesOff {
  private readonly publications: ReadonlySet<string>;
  /** Those of which single publications are off. */
  private readonly dataInfoIds: ReadonlySet<DataInfoId>;
  private readonly blacklist: ReadonlySet<string>;

  constructor({ publicationsOff, blacklist }: Pick<Switches, 'publicationsOff' | 'blacklist'>) {
    this.publications = new Set(publicationsOff.map(keyOf));
    this.dataInfoIds = new Set(publicationsOff.map(({ dataInfoId }) => dataInfoId));
    this.blacklist = new Set(blacklist);
  }

  /** By its dataId, in every group and instance, or by all of its name. */
  isBlacklisted(dataInfoId: DataInfoId): boolean {
    const { blacklist } = this;
    return blacklist.size > 0 && (blacklist.has(dataInfoId) || blacklist.has(dataIdOf(dataInfoId)));
  }

  /** In nobody's view, whoever keeps it. */
  isHidden(name: PublicationName): boolean {
    if (this.publications.size > 0 && this.publications.has(keyOf(name))) return true;
    return this.isBlacklisted(name.dataInfoId);
  }

  /** Whether any publication of the datum may be hidden. */
  concerns(dataInfoId: DataInfoId): boolean {
    return this.dataInfoIds.has(dataInfoId) || this.isBlacklisted(dataInfoId);
  }

  /** The datums that may be concerned: by name, or undefined where those must be looked for. */
  named(): Set<DataInfoId> | undefined {
    const blacklist = [...this.blacklist];
    return blacklist.every((name) => name.includes(SEPARATOR))
      ? new Set([...this.dataInfoIds, ...blacklist])
      : undefined;
  }
}

/** No name holds a line feed. */
function keyOf({ registerId, dataInfoId }: PublicationName): string {
  return `${registerId}\n${dataInfoId}`;
}

function dataIdOf(dataInfoId: DataInfoId): string {
  const end = dataInfoId.indexOf(SEPARATOR);
  return end < 0 ? dataInfoId : dataInfoId.slice(0, end);
}
