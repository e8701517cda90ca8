import { beforeEach, describe, expect, it } from '@jest/globals';
import type { EtcdCode } from '../errors.js';
import type { EtcdStore, KeyValue } from '../store.js';
import { leaseContract } from './lease-contract.js';
import { key, text } from './watch-log.js';
import { watchContract } from './watch-contract.js';

export interface EtcdFixture {
  /** An empty one. */
  makeStore(): Promise<EtcdStore> | EtcdStore;
  /** So much time passes for the leases. */
  advance(ms: number): Promise<void>;
  /** Resolves when it holds, and fails when it does not before long. */
  until(holds: () => boolean): Promise<void>;
}

const PREFIX = { key: key('app/'), rangeEnd: key('app0') };

export async function codeOf(promise: Promise<unknown>): Promise<EtcdCode | 'none'> {
  try {
    await promise;
    return 'none';
  } catch (error) {
    return (error as { code: EtcdCode }).code;
  }
}

const values = (kvs: KeyValue[]): string[] => kvs.map((kv) => `${text(kv.key)}=${text(kv.value)}`);

/**
 * The suite that every {@link EtcdStore} passes. Defines jest tests. Keys of one txn are in one directory, and revisions need
 * not be without gaps.
 */
export function etcdContract(name: string, fixture: EtcdFixture): void {
  describe(`${name} keeps the contract of a keyspace`, () => {
    let store: EtcdStore;
    const put = async (name: string, value: string, lease = 0n) =>
      store.put({ key: key(name), value: key(value), lease });
    const get = async (name: string): Promise<KeyValue | undefined> => (await store.range({ key: key(name) })).kvs[0];

    beforeEach(async () => {
      store = await fixture.makeStore();
    });

    it('answers a put with what was there before, and counts revisions and versions', async () => {
      const first = await store.put({ key: key('app/a'), value: key('1'), prevKv: true });
      expect(first.prevKv).toBeUndefined();
      const created = (await get('app/a'))!;
      expect(created).toEqual({
        ...{ key: key('app/a'), value: key('1'), version: 1n, lease: 0n },
        ...{ createRevision: first.header.revision, modRevision: first.header.revision },
      });
      const second = await store.put({ key: key('app/a'), value: key('2'), prevKv: true });
      expect(second.prevKv).toEqual(created);
      expect(second.header.revision).toBeGreaterThan(first.header.revision);
      expect(await get('app/a')).toEqual({
        ...created,
        ...{ value: key('2'), version: 2n, modRevision: second.header.revision },
      });
    });

    it('reads one key, a prefix, everything from a key on, and everything', async () => {
      for (const name of ['app/b', 'app/a', 'app/sub/c', 'appendix', 'zoo']) await put(name, name.slice(-1));
      const read = async (from: string, end?: string): Promise<string[]> =>
        values((await store.range({ key: key(from), ...(end === undefined ? {} : { rangeEnd: key(end) }) })).kvs);
      expect(await read('app/a')).toEqual(['app/a=a']);
      expect(await read('app/', 'app0')).toEqual(['app/a=a', 'app/b=b', 'app/sub/c=c']);
      expect(await read('app/b', '\0')).toEqual(['app/b=b', 'app/sub/c=c', 'appendix=x', 'zoo=o']);
      expect(await read('\0', '\0')).toHaveLength(5);
      expect(await read('nothing')).toEqual([]);
    });

    it('keeps keys and values byte for byte, and orders keys by their bytes', async () => {
      const odd = [
        new Uint8Array([0xff, 0x00, 0x2f, 0x80]),
        key('#@#/ä%/é'),
        new Uint8Array([0x00]),
        key('/'),
        key('//'),
      ];
      for (const one of odd) await store.put({ key: one, value: one });
      for (const one of odd) expect((await store.range({ key: one })).kvs[0]).toMatchObject({ key: one, value: one });
      const all = (await store.range({ key: key('\0'), rangeEnd: key('\0') })).kvs;
      expect(all.map((kv) => Buffer.from(kv.key).toString('hex'))).toEqual(
        odd.map((one) => Buffer.from(one).toString('hex')).toSorted(),
      );
    });

    it('limits, sorts, counts, and filters', async () => {
      for (const [name, value] of [
        ['app/a', '3'],
        ['app/b', '1'],
        ['app/c', '2'],
      ] as const)
        await put(name, value);
      const limited = await store.range({ ...PREFIX, limit: 2 });
      expect([values(limited.kvs), limited.more, limited.count]).toEqual([['app/a=3', 'app/b=1'], true, 3n]);
      const sorted = await store.range({ ...PREFIX, sort: { order: 'descend', target: 'value' }, limit: 2 });
      expect(values(sorted.kvs)).toEqual(['app/a=3', 'app/c=2']);
      const counted = await store.range({ ...PREFIX, countOnly: true });
      expect([counted.kvs, counted.count, counted.more]).toEqual([[], 3n, false]);
      const named = await store.range({ ...PREFIX, keysOnly: true });
      expect(values(named.kvs)).toEqual(['app/a=', 'app/b=', 'app/c=']);
      const { modRevision } = (await get('app/b'))!;
      const filtered = await store.range({ ...PREFIX, minModRevision: modRevision });
      expect([values(filtered.kvs), filtered.count]).toEqual([['app/b=1', 'app/c=2'], 3n]);
    });

    it('deletes one key and a range, tells what was there, and counts anew from the next put', async () => {
      for (const name of ['app/a', 'app/b', 'app/x/c']) await put(name, '1');
      const one = await store.deleteRange({ key: key('app/a'), prevKv: true });
      expect([one.deleted, values(one.prevKvs)]).toEqual([1n, ['app/a=1']]);
      const none = await store.deleteRange({ key: key('app/a') });
      expect([none.deleted, none.prevKvs]).toEqual([0n, []]);
      const rest = await store.deleteRange({ ...PREFIX, prevKv: true });
      expect([rest.deleted, values(rest.prevKvs)]).toEqual([2n, ['app/b=1', 'app/x/c=1']]);
      expect((await store.range(PREFIX)).count).toBe(0n);
      await put('app/a', '2');
      expect(await get('app/a')).toMatchObject({ version: 1n });
    });

    it('keeps the value, or the lease, where a put says so', async () => {
      const { id } = await store.grant({ id: 0n, ttlS: 60n });
      await put('app/a', '1', id);
      await store.put({ key: key('app/a'), value: key(''), ignoreValue: true });
      expect(await get('app/a')).toMatchObject({ value: key('1'), lease: 0n, version: 2n });
      await put('app/a', '2', id);
      await store.put({ key: key('app/a'), value: key('3'), ignoreLease: true });
      expect(await get('app/a')).toMatchObject({ value: key('3'), lease: id });
    });

    it('refuses what etcd refuses', async () => {
      const nothing = new Uint8Array();
      const [a, b] = [key('app/a'), key('app/b')];
      const putOf = (name: Uint8Array) => ({ op: 'put' as const, request: { key: name, value: a } });
      const txn = async (success: Parameters<EtcdStore['txn']>[0]['success']) =>
        codeOf(store.txn({ compare: [], success, failure: [] }));
      expect(await codeOf(store.range({ key: nothing }))).toBe('EMPTY_KEY');
      expect(await codeOf(store.put({ key: nothing, value: a }))).toBe('EMPTY_KEY');
      expect(await codeOf(store.deleteRange({ key: nothing }))).toBe('EMPTY_KEY');
      expect(await codeOf(store.put({ key: a, value: a, ignoreValue: true }))).toBe('VALUE_PROVIDED');
      expect(await codeOf(store.put({ key: a, value: nothing, ignoreValue: true }))).toBe('KEY_NOT_FOUND');
      expect(await codeOf(store.put({ key: a, value: a, lease: 5n, ignoreLease: true }))).toBe('LEASE_PROVIDED');
      expect(await codeOf(store.put({ key: a, value: a, lease: 5n }))).toBe('LEASE_NOT_FOUND');
      expect(await codeOf(store.put({ key: a, value: new Uint8Array(1_600_000) }))).toBe('REQUEST_TOO_LARGE');
      expect(await txn([putOf(a), putOf(a)])).toBe('DUPLICATE_KEY');
      expect(await txn([putOf(a), { op: 'deleteRange', request: { key: a } }])).toBe('DUPLICATE_KEY');
      expect(await txn(Array.from({ length: 129 }, () => putOf(b)))).toBe('TOO_MANY_OPS');
      expect(await codeOf(store.range({ key: a, revision: 1n << 60n }))).toBe('FUTURE_REVISION');
      expect(await codeOf(store.compact(1n << 60n))).toBe('FUTURE_REVISION');
      expect((await store.range({ key: a })).kvs).toEqual([]);
    });

    it('compares in every way, and does one branch or the other, at one revision', async () => {
      const [a, b, c] = [key('app/a'), key('app/b'), key('app/c')];
      const absent = await store.txn({
        compare: [{ key: a, result: '=', target: 'create', operand: 0n }],
        success: [
          { op: 'put', request: { key: a, value: key('1') } },
          { op: 'put', request: { key: b, value: key('1') } },
          { op: 'range', request: { key: a } },
        ],
        failure: [],
      });
      expect(absent.succeeded).toBe(true);
      const { revision } = absent.header;
      const [made, other] = [(await get('app/a'))!, (await get('app/b'))!];
      expect([made.modRevision, other.modRevision]).toEqual([revision, revision]);
      expect(absent.results[2]).toMatchObject({ op: 'range', answer: { kvs: [{ key: a, value: key('1') }] } });
      const compares = async (...compare: Parameters<EtcdStore['txn']>[0]['compare']) =>
        (await store.txn({ compare, success: [], failure: [] })).succeeded;
      expect(await compares({ key: a, result: '=', target: 'mod', operand: revision })).toBe(true);
      expect(await compares({ key: a, result: '<', target: 'mod', operand: revision })).toBe(false);
      expect(await compares({ key: a, result: '>', target: 'version', operand: 0n })).toBe(true);
      expect(await compares({ key: a, result: '!=', target: 'value', operand: key('2') })).toBe(true);
      expect(await compares({ key: a, result: '=', target: 'lease', operand: 0n })).toBe(true);
      expect(await compares({ key: c, result: '=', target: 'value', operand: key('') })).toBe(false);
      const failed = await store.txn({
        compare: [
          { key: a, result: '=', target: 'version', operand: 1n },
          { key: b, result: '=', target: 'value', operand: key('other') },
        ],
        success: [{ op: 'put', request: { key: a, value: key('no') } }],
        failure: [
          { op: 'deleteRange', request: { key: a, prevKv: true } },
          { op: 'put', request: { key: b, value: key('2'), prevKv: true } },
        ],
      });
      expect(failed.succeeded).toBe(false);
      expect(failed.results).toMatchObject([
        { op: 'deleteRange', answer: { deleted: 1n, prevKvs: [{ key: a, value: key('1') }] } },
        { op: 'put', answer: { prevKv: { key: b, value: key('1') } } },
      ]);
      expect(await get('app/a')).toBeUndefined();
      expect(await get('app/b')).toMatchObject({ value: key('2'), modRevision: failed.header.revision });
    });

    it('lets one of many win that put a key if it is not there', async () => {
      const attempts = Array.from({ length: 8 }, async (_, index) =>
        store.txn({
          compare: [{ key: key('app/one'), result: '=', target: 'create', operand: 0n }],
          success: [{ op: 'put', request: { key: key('app/one'), value: key(String(index)) } }],
          failure: [{ op: 'range', request: { key: key('app/one') } }],
        }),
      );
      const answers = await Promise.all(attempts);
      expect(answers.filter(({ succeeded }) => succeeded)).toHaveLength(1);
      expect(await get('app/one')).toMatchObject({ version: 1n });
    });

    leaseContract(fixture, () => store);
    watchContract(fixture, () => store);
  });
}
