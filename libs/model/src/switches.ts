/**
 * For whom session servers hold pushes back. Zones are those that subscribers name for themselves; addresses are those
 * that clients connect from, without a port. `gray` is the reverse of `addresses`: nobody else is pushed to.
 */
export type PushStop =
  | { scope: 'none' }
  | { scope: 'all' }
  | { scope: 'zones'; zones: string[] }
  | { scope: 'addresses'; addresses: string[] }
  | { scope: 'gray'; addresses: string[] };

/** What operators switch while the cluster runs. A further switch is one more field, with the default of doing nothing. */
export interface Switches {
  stopPush: PushStop;
  /** Session servers take no new publications and no removals from clients; pushes go on. */
  readOnly: boolean;
}

export const DEFAULT_SWITCHES: Readonly<Switches> = Object.freeze<Switches>({
  stopPush: { scope: 'none' },
  readOnly: false,
});

/** `version` is 0 until something is switched, and rises by one with every change of any of them. */
export interface VersionedSwitches {
  version: number;
  switches: Switches;
}
