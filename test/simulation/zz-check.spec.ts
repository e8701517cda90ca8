import { Schedule } from './schedule.js';
import { watched } from './watched.js';
it.each(Array.from({ length: 120 }, (_, i) => i + 1))('calm %i', (seed) => {
  const cluster = watched({ seed, data: 2, sessions: 2, clients: 4, slotCount: 8 });
  cluster.story(() => {
    const schedule = new Schedule(cluster, () => {});
    cluster.run(500);
    schedule.run(15_000, 120);
    schedule.mend();
    cluster.untilConverged(30_000);
    schedule.calm();
  });
});
