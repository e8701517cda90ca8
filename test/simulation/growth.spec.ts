import { forecast, plan, serverLoads } from '#sharding';
import type { RoutingTable } from '#model';
import { watched } from './watched.js';

/** Rises by one with every change of any leader. */
const leaderEpochs = ({ slots }: RoutingTable): number => slots.reduce((sum, { leaderEpoch }) => sum + leaderEpoch, 0);

/** From two data servers to six: how many changes of leaders it took beyond the least possible. */
function grown(seed: number): number {
  const cluster = watched({ seed, data: 2, sessions: 2, clients: 2, slotCount: 64 });
  let extra = 0;
  cluster.story(() => {
    const table = (): RoutingTable => cluster.meta.state.table;
    const pause = (paused: boolean): void => cluster.metaLeader!.operate({ type: 'setRebalance', paused });
    cluster.run(8_000);
    pause(true);
    for (let i = 0; i < 4; i++) cluster.addData();
    cluster.until('all are members', () => table().members.length === 8);
    const { epoch } = table();
    cluster.run(5_000);
    expect(table().epoch).toBe(epoch);

    const { least } = forecast({ table: table(), replicas: 2 });
    const before = leaderEpochs(table());
    pause(false);
    const isSettled = (): boolean =>
      table().slots.every(({ joining }) => joining.length === 0) && plan({ table: table(), replicas: 2 }).length === 0;
    cluster.until('nothing is left to move', isSettled, 15_000);
    extra = leaderEpochs(table()) - before - least.leaders;
    for (const { leads, replicas } of serverLoads({ table: table(), replicas: 2 }))
      for (const { count, fewest, most } of [leads, replicas]) {
        expect(count).toBeGreaterThanOrEqual(fewest);
        expect(count).toBeLessThanOrEqual(most);
      }
  });
  return extra;
}

describe('a data tier that grows, with the real brains', () => {
  it('changes hardly more leaders than it must, however its steps come to overlap', () => {
    const extra = [1, 2, 3, 4, 9].map(grown);
    for (const each of extra) expect(each).toBeGreaterThanOrEqual(0);
    // Of 210. Were plans made while moves are being committed, there would be eight.
    expect(extra.reduce((sum, each) => sum + each, 0)).toBeLessThanOrEqual(3);
  });
});
