import { SWITCHES_LEVEL } from './features.js';
import type { DataInfoId } from './names.js';

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

/** Bounds of the time for which changes of a view are merged; those of the session server itself where left out. */
export interface PushWindow {
  minMs?: number;
  maxMs?: number;
}

/** One publication, whoever keeps it. */
export interface PublicationName {
  dataInfoId: DataInfoId;
  registerId: string;
}

/** What operators switch while the cluster runs. A further switch is one more field, with the default of doing nothing. */
export interface Switches {
  stopPush: PushStop;
  /** Session servers take no new publications and no removals from clients; pushes go on. */
  readOnly: boolean;
  /** What clients publish over connections from these addresses is in nobody's view while they stay connected. */
  clientsOff: string[];
  /** In nobody's view, whatever their clients say of them. */
  publicationsOff: PublicationName[];
  /**
   * dataIds, in every group and instance, and dataInfoIds: nothing new is published under them, and what there is, is in
   * nobody's view.
   */
  blacklist: string[];
  pushWindow: PushWindow;
}

export const DEFAULT_SWITCHES: Readonly<Switches> = Object.freeze<Switches>({
  stopPush: { scope: 'none' },
  readOnly: false,
  clientsOff: [],
  publicationsOff: [],
  blacklist: [],
  pushWindow: {},
});

/** Those that older versions do not know, and the feature level from which they may be used. */
export const SWITCH_LEVELS: Readonly<Partial<Record<keyof Switches, number>>> = {
  clientsOff: SWITCHES_LEVEL,
  publicationsOff: SWITCHES_LEVEL,
  blacklist: SWITCHES_LEVEL,
  pushWindow: SWITCHES_LEVEL,
};

/** `version` is 0 until something is switched, and rises by one with every change of any of them. */
export interface VersionedSwitches {
  version: number;
  switches: Switches;
}

/** For the log, which is not to hold long lists. */
export function describeSwitches(switches: Switches): Record<string, unknown> {
  const { stopPush, readOnly, clientsOff, publicationsOff, blacklist, pushWindow } = switches;
  const counts = {
    clientsOff: clientsOff.length,
    publicationsOff: publicationsOff.length,
    blacklist: blacklist.length,
  };
  return { stopPush: stopPush.scope, readOnly, ...counts, pushWindow };
}
