import { join } from 'node:path';
import { ClassicLevel } from 'classic-level';
import type { Window } from './window.js';

/**
 * Entries per second of one of three streams, on average, each writing one synced batch after another to a LevelDB of
 * its own below the folder: what the disks would give a Raft that cost nothing.
 */
export async function streamsRound(
  folder: string,
  { payload, batch, window }: { payload: Uint8Array; batch: number; window: Window },
): Promise<number> {
  const rates = await Promise.all(
    ['a', 'b', 'c'].map(async (name) => {
      const db = new ClassicLevel<string, Uint8Array>(join(folder, name), { valueEncoding: 'view' });
      await db.open();
      let written = 0;
      // The way of the log store, which costs a third of what one array of operations does.
      const write = (): Promise<void> => {
        const operations = db.batch();
        for (let i = 0; i < batch; i++) operations.put(`entry/${(written++).toString(16).padStart(14, '0')}`, payload);
        return operations.write({ sync: true });
      };
      const warmUntil = performance.now() + window.warmUpMs;
      while (performance.now() < warmUntil) await write();
      const begun = performance.now();
      const before = written;
      while (performance.now() < begun + window.measuredMs) await write();
      const perSecond = ((written - before) * 1000) / (performance.now() - begun);
      await db.close();
      return perSecond;
    }),
  );
  return rates.reduce((sum, each) => sum + each, 0) / rates.length;
}
