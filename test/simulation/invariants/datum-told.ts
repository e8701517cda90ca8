import { type DataToSession, compareVersions } from '#model';
import type { DataCore } from '#registry';
import type { Cluster } from '#sim';

/** What a data server tells as a whole datum, also where it names it by its hash. */
export function datumTold(
  cluster: Cluster,
  from: string,
  message: unknown,
): Extract<DataToSession, { kind: 'datum' }> | undefined {
  const told = message as DataToSession;
  if (told.kind === 'datum') return told;
  if (told.kind !== 'same') return undefined;
  const host = cluster.data.find(({ name }) => name === from);
  const held = (host?.core as DataCore | undefined)?.datum(told.dataInfoId);
  if (!held || compareVersions(held.version, told.version) !== 0) return undefined;
  const publications = held.publications.filter(({ registerId }) => !held.hidden.includes(registerId));
  return { ...told, kind: 'datum', publications };
}
