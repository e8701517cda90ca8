import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { RoutingTable } from '#model';
import type { Node } from '../cluster.js';

const POLL_MS = 25;
const TIMEOUT_MS = 60_000;
/** Of an even share. */
const LEAST_SHARE = 0.5;

/** As a server keeps it on its disk. */
async function tableOf(node: Node): Promise<RoutingTable | undefined> {
  try {
    const [, json] = (await readFile(join(node.dataDir, 'table.json'), 'utf8')).split('\n');
    return JSON.parse(json!) as RoutingTable;
  } catch {
    return undefined;
  }
}

/** Resolves once every slot has a live leader and a live follower, and nobody is catching up; rejects after a minute. */
export async function wholeTable(
  node: Node,
  isWanted: (table: RoutingTable) => boolean = () => true,
): Promise<RoutingTable> {
  const untilMs = performance.now() + TIMEOUT_MS;
  for (;;) {
    const table = await tableOf(node);
    const live = new Set(table?.members.map(({ incarnation }) => incarnation));
    const isWhole = table?.slots.every(
      ({ leader, followers, joining }) =>
        leader !== null && live.has(leader) && joining.length === 0 && followers.some((each) => live.has(each)),
    );
    if (table && isWhole && isWanted(table)) return table;
    if (performance.now() > untilMs) throw new Error(`The table was not whole within ${TIMEOUT_MS} ms.`);
    await setTimeout(POLL_MS);
  }
}

/** Whether all of them are members, and each data server leads about as much as the others. */
export function isShared(table: RoutingTable, data: readonly Node[], others: readonly Node[]): boolean {
  const memberAt = ({ rpcAddress }: Node): RoutingTable['members'][number] | undefined =>
    table.members.find(({ address }) => address === rpcAddress);
  const ledBy = (node: Node): number => {
    const incarnation = memberAt(node)?.incarnation;
    return table.slots.filter(({ leader }) => leader !== null && leader === incarnation).length;
  };
  const least = (table.slots.length / data.length) * LEAST_SHARE;
  return others.every(memberAt) && data.every((node) => ledBy(node) >= least);
}
