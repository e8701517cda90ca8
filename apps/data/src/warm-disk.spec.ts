import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Publication } from '#model';
import { createLogger } from '#nest';
import { LevelWarmStore } from '#store';
import { WarmDisk } from './warm-disk.js';

const DATUM = 'größe#@#DEFAULT_INSTANCE_ID#@#DEFAULT_GROUP';
const logger = createLogger({ tier: 'data', level: 'error', format: 'json' });

const base = { dataInfoId: DATUM, zone: 'z1', appName: '', registerTimestamp: 1_700_000_000_000.5 };
const KEPT: Publication[] = [
  {
    ...base,
    registerId: 'a b/ü',
    stamp: [1_700_000_000_000, 2 ** 40, 4_294_967_295],
    owner: { kind: 'connected', session: 's1', connection: 7 },
    body: new Uint8Array([0, 255, 10]),
  },
  { ...base, registerId: 'L.x.y', stamp: [7, 1, 0], owner: { kind: 'leased', leaseMs: 5_000 }, body: new Uint8Array() },
];

describe('the disk of a warm start', () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rollcall-warm-disk-'));
  });

  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('gives back what was kept and not erased since, by slot', async () => {
    const disk = await WarmDisk.open(join(folder, 'warm'), logger);
    const writes = KEPT.map((publication, slot) => {
      const { dataInfoId, registerId } = publication;
      return { slot, dataInfoId, registerId, publication };
    });
    const gone = { ...writes[0]!, registerId: 'gone' };
    await disk.keep({
      type: 'keep',
      token: 1,
      erase: 'all',
      writes: [...writes, gone, { ...writes[0]!, slot: 16_383 }],
    });
    const { publication: _, ...nothing } = gone;
    await disk.keep({ type: 'keep', token: 2, erase: [16_383], writes: [nothing] });
    await disk.close();

    const again = await WarmDisk.open(join(folder, 'warm'), logger);
    const copy = await again.load(1_000, logger, () => 0);
    await again.close();
    expect(copy).toMatchObject({ isKnown: true, loaded: 2, damages: 0 });
    expect([0, 1].map((slot) => copy.take(slot)!.publications(DATUM)[0])).toEqual(KEPT);
  });

  it('is done without where it is damaged, and erased before more is kept', async () => {
    const location = join(folder, 'warm');
    const store = await LevelWarmStore.open(location);
    await store.write([{ key: `00001 ${DATUM}\na`, value: new Uint8Array([1, 2, 3]) }]);
    await store.close();
    const disk = await WarmDisk.open(location, logger);
    expect(await disk.load(1_000, logger, () => 0)).toMatchObject({ isKnown: false, loaded: 0, damages: 1 });
    await disk.keep({ type: 'keep', token: 1, erase: 'all', writes: [] });
    expect(await disk.load(1_000, logger, () => 0)).toMatchObject({ isKnown: true, loaded: 0, damages: 0 });
    await disk.close();
  });

  it('is read for some seconds at most, and erased before more is kept where that did not do', async () => {
    const disk = await WarmDisk.open(join(folder, 'warm'), logger);
    const writes = Array.from({ length: 1_000 }, (_, i) => {
      const publication = { ...KEPT[0]!, registerId: `r${i}` };
      return { slot: i % 10, dataInfoId: DATUM, registerId: publication.registerId, publication };
    });
    await disk.keep({ type: 'keep', token: 1, erase: 'all', writes });
    let nowMs = 0;
    const copy = await disk.load(1_000, logger, () => (nowMs += 2_000));
    expect(copy.isKnown).toBe(false);
    expect(copy.loaded).toBeGreaterThan(0);
    expect(copy.loaded).toBeLessThan(1_000);
    await disk.close();
  });
});
