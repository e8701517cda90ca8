import { MemoryStore } from '#etcd/testing';
import { type Edge, RawClient, failureOf, startEdge } from './etcd.harness.js';

describe('keys over gRPC', () => {
  let edge: Edge;
  let client: RawClient;
  const bytes = (text: string) => Buffer.from(text);

  beforeEach(async () => {
    edge = await startEdge(new MemoryStore(() => 0));
    client = new RawClient(edge.address);
  });

  afterEach(async () => {
    client.close();
    await edge.close();
  });

  it('are put, read and deleted with the numbers of etcd', async () => {
    const put = await client.call('KV.Put', { key: bytes('app/a'), value: bytes('1') });
    expect(put).toEqual({
      header: { cluster_id: '1', member_id: '1', revision: '2', raft_term: '1' },
      prev_kv: null,
    });
    await client.call('KV.Put', { key: bytes('app/a'), value: bytes('2'), prev_kv: true });
    const kv = {
      ...{ key: bytes('app/a'), value: bytes('2'), lease: '0' },
      ...{ create_revision: '2', mod_revision: '3', version: '2' },
    };
    expect(await client.call('KV.Range', { key: bytes('app/'), range_end: bytes('app0') })).toMatchObject({
      ...{ kvs: [kv], count: '1', more: false },
    });
    expect(await client.call('KV.DeleteRange', { key: bytes('app/a'), prev_kv: true })).toMatchObject({
      ...{ deleted: '1', prev_kvs: [kv], header: { revision: '4' } },
    });
  });

  it('keep numbers of 64 bits to the last digit', async () => {
    const id = '9007199254740993';
    await client.call('Lease.LeaseGrant', { ID: id, TTL: '60' });
    await client.call('KV.Put', { key: bytes('a'), value: bytes('1'), lease: id });
    expect(await client.call('KV.Range', { key: bytes('a') })).toMatchObject({ kvs: [{ lease: id }] });
    const largest = '9223372036854775807';
    expect(await client.call('KV.Range', { key: bytes('a'), limit: largest })).toMatchObject({ count: '1' });
  });

  it('are sorted, in the order that is meant where only by what to sort is named', async () => {
    for (const [key, value] of [
      ['a/1', 'z'],
      ['a/2', 'y'],
    ] as const)
      await client.call('KV.Put', { key: bytes(key), value: bytes(value) });
    const range = { key: bytes('a/'), range_end: bytes('a0') };
    const order = async (more: object): Promise<string[]> => {
      const { kvs } = await client.call('KV.Range', { ...range, ...more });
      return (kvs as { key: Buffer }[]).map(({ key }) => key.toString());
    };
    expect(await order({ sort_target: 'VALUE' })).toEqual(['a/2', 'a/1']);
    expect(await order({ sort_target: 'VALUE', sort_order: 'DESCEND' })).toEqual(['a/1', 'a/2']);
    expect(await order({ sort_order: 'DESCEND' })).toEqual(['a/2', 'a/1']);
    expect(await order({ limit: '1' })).toEqual(['a/1']);
  });

  it('are changed together by a txn whose compares hold', async () => {
    const txn = {
      compare: [{ target: 'VERSION', result: 'EQUAL', key: bytes('a/1'), version: '0' }],
      success: [{ request_put: { key: bytes('a/1'), value: bytes('x') } }, { request_range: { key: bytes('a/1') } }],
      failure: [{ request_delete_range: { key: bytes('a/1') } }],
    };
    expect(await client.call('KV.Txn', txn)).toMatchObject({
      succeeded: true,
      responses: [
        { response_put: { header: { revision: '2' } } },
        { response_range: { kvs: [{ value: bytes('x'), create_revision: '2' }] } },
      ],
    });
    expect(await client.call('KV.Txn', txn)).toMatchObject({
      succeeded: false,
      responses: [{ response_delete_range: { deleted: '1' } }],
    });
  });

  it.each([
    ['VALUE', { value: Buffer.from('x') }, true],
    ['VALUE', { value: Buffer.from('y') }, false],
    ['CREATE', { create_revision: '2' }, true],
    ['MOD', { mod_revision: '3' }, false],
    ['LEASE', { lease: '0' }, true],
  ])('are compared by %s', async (target, operand, succeeded) => {
    await client.call('KV.Put', { key: bytes('a'), value: bytes('x') });
    const compare = [{ target, result: 'EQUAL', key: bytes('a'), ...operand }];
    expect(await client.call('KV.Txn', { compare })).toMatchObject({ succeeded });
  });

  const KEY = Buffer.from('a');
  it.each([
    ['KV.Range', {}, 'INVALID_ARGUMENT', 'etcdserver: key is not provided'],
    ['KV.Put', { value: KEY }, 'INVALID_ARGUMENT', 'etcdserver: key is not provided'],
    ['KV.DeleteRange', {}, 'INVALID_ARGUMENT', 'etcdserver: key is not provided'],
    ['KV.Put', { key: KEY, value: KEY, ignore_value: true }, 'INVALID_ARGUMENT', 'etcdserver: value is provided'],
    ['KV.Put', { key: KEY, lease: '7', ignore_lease: true }, 'INVALID_ARGUMENT', 'etcdserver: lease is provided'],
    ['KV.Put', { key: KEY, ignore_value: true }, 'INVALID_ARGUMENT', 'etcdserver: key not found'],
    ['KV.Put', { key: KEY, lease: '7' }, 'NOT_FOUND', 'etcdserver: requested lease not found'],
    ['KV.Range', { key: KEY, sort_order: 9 }, 'INVALID_ARGUMENT', 'etcdserver: invalid sort option'],
    [
      'KV.Range',
      { key: KEY, revision: '99' },
      'OUT_OF_RANGE',
      'etcdserver: mvcc: required revision is a future revision',
    ],
    [
      'KV.Txn',
      { success: [{ request_put: { key: KEY } }, { request_put: { key: KEY } }] },
      'INVALID_ARGUMENT',
      'etcdserver: duplicate key given in txn request',
    ],
    [
      'KV.Txn',
      { success: Array.from({ length: 129 }, (_, n) => ({ request_put: { key: Buffer.from(`a/${n}`) } })) },
      'INVALID_ARGUMENT',
      'etcdserver: too many operations in txn request',
    ],
    ['KV.Txn', { success: [{}] }, 'INVALID_ARGUMENT', 'etcdserver: key not found'],
    [
      'KV.Txn',
      { compare: [{ key: KEY, result: 7 }] },
      'UNIMPLEMENTED',
      'rollcall: a txn is served where all that it names are single keys of one directory',
    ],
    ['KV.Compact', { revision: '99' }, 'OUT_OF_RANGE', 'etcdserver: mvcc: required revision is a future revision'],
    ['Auth.Authenticate', { name: 'root' }, 'FAILED_PRECONDITION', 'etcdserver: authentication is not enabled'],
  ])('%s of what it cannot take fails as in etcd (%#)', async (path, message, code, text) => {
    expect(await failureOf(client.call(path, message))).toEqual([code, text]);
  });

  it('of which a txn is nested in a txn without end are not read to the end', async () => {
    let txn: object = {};
    for (let depth = 0; depth < 50; depth++) txn = { success: [{ request_txn: txn }] };
    expect((await failureOf(client.call('KV.Txn', txn as Record<string, unknown>)))[0]).toBe('UNIMPLEMENTED');
  });

  it('may be as large as in etcd, and no larger', async () => {
    const value = (bytes: number) => ({ key: KEY, value: Buffer.alloc(bytes, 'x') });
    await client.call('KV.Put', value(1024 * 1024));
    const { kvs } = await client.call('KV.Range', { key: KEY });
    expect((kvs as { value: Buffer }[])[0]!.value.length).toBe(1024 * 1024);
    expect(await failureOf(client.call('KV.Put', value(1.6 * 1024 * 1024)))).toEqual([
      'INVALID_ARGUMENT',
      'etcdserver: request is too large',
    ]);
    expect((await failureOf(client.call('KV.Put', value(3 * 1024 * 1024))))[0]).toBe('RESOURCE_EXHAUSTED');
    // The connection is as good as before.
    expect(await client.call('KV.Range', { key: KEY, count_only: true })).toMatchObject({ count: '1' });
  });
});
