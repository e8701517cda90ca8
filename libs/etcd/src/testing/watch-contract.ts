import { describe, expect, it } from '@jest/globals';
import type { EtcdStore } from '../store.js';
import type { EtcdFixture } from './contract.js';
import { WatchLog, key } from './watch-log.js';

const PREFIX = { key: key('app/'), rangeEnd: key('app0') };

export function watchContract(
  { advance, until }: Pick<EtcdFixture, 'advance' | 'until'>,
  given: () => EtcdStore,
): void {
  describe('watches', () => {
    const put = async (name: string, value: string, lease = 0n) =>
      given().put({ key: key(name), value: key(value), lease });
    const watching = async (request: Parameters<EtcdStore['watch']>[0]): Promise<WatchLog> => {
      const log = new WatchLog(given(), request);
      expect(log.told).toEqual([]);
      await until(() => log.told.length > 0);
      expect(log.told[0]).toMatchObject({ type: 'created' });
      return log;
    };

    it('tell every change of a key, none merged, with what was there before', async () => {
      const log = await watching({ key: key('app/a'), prevKv: true });
      const revisions: bigint[] = [];
      for (const value of ['1', '2', '3']) revisions.push((await put('app/a', value)).header.revision);
      await put('app/b', 'other');
      revisions.push((await given().deleteRange({ key: key('app/a') })).header.revision);
      revisions.push((await put('app/a', '4')).header.revision);
      await until(() => log.events.length === 5);
      expect(log.lines).toEqual([
        ...['put app/a=1', 'put app/a=2 was 1', 'put app/a=3 was 2', 'delete app/a was 3', 'put app/a=4'],
      ]);
      expect(log.events.map(({ kv }) => kv.modRevision)).toEqual(revisions);
      expect(log.events.map(({ kv }) => kv.version)).toEqual([1n, 2n, 3n, 0n, 1n]);
      expect(log.events[3]!.kv).toMatchObject({ createRevision: 0n, lease: 0n, value: new Uint8Array() });
    });

    it('tell the changes of a prefix in order, over many directories', async () => {
      const log = await watching(PREFIX);
      const names = Array.from({ length: 12 }, (_, index) => `app/${index % 4}/key-${index}`);
      for (const name of names) await put(name, '1');
      await put('application', 'not of it');
      await until(() => log.events.length === names.length);
      expect(log.lines).toEqual(names.map((name) => `put ${name}=1`));
    });

    it('start from a revision of which the range has told', async () => {
      await put('app/a', '1');
      const { header } = await given().range(PREFIX);
      await put('app/a', '2');
      await put('app/sub/b', '1');
      const log = await watching({ ...PREFIX, startRevision: header.revision + 1n });
      await put('app/a', '3');
      await until(() => log.events.length === 3);
      expect(log.lines).toEqual(['put app/a=2', 'put app/sub/b=1', 'put app/a=3']);
    });

    it('wait for a revision that is to come', async () => {
      const { header } = await put('app/a', '1');
      const log = await watching({ key: key('app/a'), startRevision: header.revision + 1n });
      await put('app/a', '2');
      await until(() => log.events.length === 1);
      expect(log.lines).toEqual(['put app/a=2']);
    });

    it('tell all changes of a txn together', async () => {
      await put('app/c', '1');
      const log = await watching({ ...PREFIX, prevKv: true });
      await given().txn({
        compare: [],
        success: [
          { op: 'put', request: { key: key('app/a'), value: key('1') } },
          { op: 'put', request: { key: key('app/b'), value: key('1') } },
          { op: 'deleteRange', request: { key: key('app/c') } },
        ],
        failure: [],
      });
      await until(() => log.events.length > 0);
      const [first] = log.told.filter(({ type }) => type === 'events');
      expect(first).toMatchObject({ events: { length: 3 } });
      expect(log.lines.toSorted()).toEqual(['delete app/c was 1', 'put app/a=1', 'put app/b=1']);
      expect(new Set(log.events.map(({ kv }) => kv.modRevision)).size).toBe(1);
    });

    it('leave out what is filtered', async () => {
      const log = await watching({ key: key('app/a'), filters: ['put'] });
      await put('app/a', '1');
      await given().deleteRange({ key: key('app/a') });
      await until(() => log.events.length === 1);
      expect(log.lines).toEqual(['delete app/a']);
    });

    it('tell the end of a lease as a deletion', async () => {
      const { id } = await given().grant({ id: 0n, ttlS: 5n });
      await put('app/a', '1', id);
      const log = await watching(PREFIX);
      await advance(7_000);
      await until(() => log.events.length === 1);
      expect(log.lines).toEqual(['delete app/a']);
    });

    it('tell progress when asked, and nothing once they are cancelled', async () => {
      const log = await watching(PREFIX);
      const { header } = await put('other/a', '1');
      log.handle.requestProgress();
      await until(() => log.told.some(({ type }) => type === 'progress'));
      const progress = log.told.find(({ type }) => type === 'progress')!;
      expect(progress.header.revision).toBeGreaterThanOrEqual(header.revision);
      log.handle.cancel();
      await until(() => log.ended !== undefined);
      await put('app/a', '1');
      const after = await watching({ key: key('app/a') });
      expect(after.ended).toBeUndefined();
      expect(log.events).toEqual([]);
      expect(log.told.filter(({ type }) => type === 'ended')).toMatchObject([{ reason: 'cancelled' }]);
    });

    it('are refused without a key', async () => {
      const log = await watching({ key: new Uint8Array() });
      await until(() => log.ended !== undefined);
      expect(log.ended).toMatchObject({ reason: 'refused', code: 'EMPTY_KEY' });
    });

    it('end with compacted where they begin before what is remembered', async () => {
      await put('app/a', '1');
      const { header } = await put('app/a', '2');
      await given().compact(header.revision);
      const log = await watching({ key: key('app/a'), startRevision: 1n });
      await until(() => log.ended !== undefined);
      expect(log.ended).toMatchObject({ reason: 'compacted' });
      expect((log.ended as { compactRevision: bigint }).compactRevision).toBeGreaterThan(1n);
    });
  });
}
