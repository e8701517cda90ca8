import { describe, expect, it } from '@jest/globals';
import type { EtcdStore } from '../store.js';
import { type EtcdFixture, codeOf } from './contract.js';
import { key, text } from './watch-log.js';

export function leaseContract(
  { advance, until }: Pick<EtcdFixture, 'advance' | 'until'>,
  given: () => EtcdStore,
): void {
  describe('leases', () => {
    const put = async (name: string, lease: bigint) => given().put({ key: key(name), value: key('1'), lease });
    const isThere = async (name: string): Promise<boolean> => (await given().range({ key: key(name) })).count === 1n;
    const isGone = async (name: string): Promise<void> => {
      let gone = false;
      const look = async (): Promise<void> => {
        gone = !(await isThere(name));
      };
      await look();
      if (gone) return;
      let looking = look();
      await until(() => {
        void looking.then(() => (looking = look()));
        return gone;
      });
    };

    it('grants ids that are asked for, once, or chooses them', async () => {
      const store = given();
      expect(await store.grant({ id: 77n, ttlS: 60n })).toMatchObject({ id: 77n, ttlS: 60n });
      expect(await codeOf(store.grant({ id: 77n, ttlS: 60n }))).toBe('LEASE_EXISTS');
      const chosen = await store.grant({ id: 0n, ttlS: 60n });
      expect(chosen.id).not.toBe(0n);
      expect((await store.leases()).ids.toSorted((a, b) => Number(a - b))).toEqual(
        [77n, chosen.id].toSorted((a, b) => Number(a - b)),
      );
    });

    it('raises a time to live that is too short, and refuses one that is too long', async () => {
      const store = given();
      expect(await store.grant({ id: 1n, ttlS: 0n })).toMatchObject({ ttlS: 2n });
      expect(await store.grant({ id: 2n, ttlS: 365n * 86_400n })).toMatchObject({ ttlS: 365n * 86_400n });
      expect(await codeOf(store.grant({ id: 3n, ttlS: 9_000_000_001n }))).toBe('LEASE_TTL_TOO_LARGE');
    });

    it('deletes the keys of a lease that has ended, not before, and of no other', async () => {
      const store = given();
      const { id } = await store.grant({ id: 0n, ttlS: 10n });
      await put('app/short', id);
      await put('other/short', id);
      await put('app/long', (await store.grant({ id: 0n, ttlS: 1_000n })).id);
      await put('app/none', 0n);
      await advance(8_000);
      expect(await isThere('app/short')).toBe(true);
      await advance(4_000);
      await isGone('app/short');
      await isGone('other/short');
      expect([await isThere('app/long'), await isThere('app/none')]).toEqual([true, true]);
      expect(await store.keepAlive(id)).toMatchObject({ id, ttlS: 0n });
      expect(await codeOf(put('app/late', id))).toBe('LEASE_NOT_FOUND');
    });

    it('lives for as long as it is kept alive', async () => {
      const store = given();
      const { id } = await store.grant({ id: 0n, ttlS: 10n });
      await put('app/a', id);
      for (let i = 0; i < 5; i++) {
        await advance(7_000);
        expect(await store.keepAlive(id)).toMatchObject({ id, ttlS: 10n });
      }
      expect(await isThere('app/a')).toBe(true);
    });

    it('tells what is left of it, and its keys', async () => {
      const store = given();
      const { id } = await store.grant({ id: 0n, ttlS: 20n });
      await put('b/2', id);
      await put('a/1', id);
      await advance(5_500);
      const told = await store.timeToLive(id, { keys: true });
      expect(told.grantedTtlS).toBe(20n);
      expect([14n, 13n]).toContain(told.ttlS);
      expect(told.keys.map(text)).toEqual(['a/1', 'b/2']);
      expect((await store.timeToLive(id, { keys: false })).keys).toEqual([]);
      expect(await store.timeToLive(404n, { keys: true })).toMatchObject({ id: 404n, ttlS: -1n, keys: [] });
    });

    it('deletes its keys when it is revoked, before that is answered', async () => {
      const store = given();
      const { id } = await store.grant({ id: 0n, ttlS: 60n });
      for (const name of ['app/a', 'app/b', 'other/c']) await put(name, id);
      await store.revoke(id);
      for (const name of ['app/a', 'app/b', 'other/c']) expect(await isThere(name)).toBe(false);
      expect(await codeOf(store.revoke(id))).toBe('LEASE_NOT_FOUND');
      expect(await store.keepAlive(404n)).toMatchObject({ id: 404n, ttlS: 0n });
    });

    it('has nothing to do any more with a key that was put with another lease, or without one', async () => {
      const store = given();
      const first = await store.grant({ id: 0n, ttlS: 10n });
      const second = await store.grant({ id: 0n, ttlS: 1_000n });
      await put('app/moved', first.id);
      await put('app/moved', second.id);
      await put('app/freed', first.id);
      await put('app/freed', 0n);
      await put('app/stays', first.id);
      await advance(12_000);
      await isGone('app/stays');
      expect([await isThere('app/moved'), await isThere('app/freed')]).toEqual([true, true]);
      await store.revoke(second.id);
      expect([await isThere('app/moved'), await isThere('app/freed')]).toEqual([false, true]);
    });

    it('outlives its keys, and takes none along that was made anew', async () => {
      const store = given();
      const { id } = await store.grant({ id: 0n, ttlS: 60n });
      await put('app/a', id);
      await store.deleteRange({ key: key('app/a') });
      expect(await store.keepAlive(id)).toMatchObject({ ttlS: 60n });
      expect((await store.timeToLive(id, { keys: true })).keys).toEqual([]);
      await put('app/a', 0n);
      await store.revoke(id);
      expect(await isThere('app/a')).toBe(true);
    });
  });
}
