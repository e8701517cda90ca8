import { NamesFilter } from './names-filter.js';
import { formatCursor } from './place.js';
import { readClientsQuery, readListQuery } from './query.js';

const read = (query: Record<string, unknown>) => readListQuery('publishers', query, ['prefix', 'dataId', 'appName']);

describe('the query of a list', () => {
  it('asks for a hundred from the beginning, unless told', () => {
    expect(read({})).toEqual({ limit: 100, after: undefined, filter: {}, isLocal: false });
    const after = formatCursor('publishers', [3, 'a', 'b']);
    expect(read({ limit: '1000', after, local: 'true', prefix: 'us', appName: 'shop' })).toEqual({
      limit: 1_000,
      after: [3, 'a', 'b'],
      filter: { prefix: 'us', appName: 'shop' },
      isLocal: true,
    });
  });

  it('is refused, with what is wrong, where it means nothing', () => {
    const refused = (query: Record<string, unknown>, field: string, code = 'BAD_REQUEST') =>
      expect(() => read(query)).toThrow(expect.objectContaining({ code, details: { field } }));
    for (const limit of ['0', '-1', 'x', '1.5', '', ['1', '2']]) refused({ limit }, 'limit');
    refused({ limit: '1001' }, 'limit');
    expect(() => read({ limit: '1000000' })).toThrow('limit is 1000000; a page has at most 1000.');
    for (const after of ['', 'x', formatCursor('subscribers', [3]), 'a'.repeat(20_000), ['a']])
      refused({ after }, 'after');
    refused({ local: 'yes' }, 'local');
    refused({ perfix: 'a' }, 'perfix');
    expect(() => read({ perfix: 'a' })).toThrow(
      'There is no perfix here; there are limit, after, local, prefix, dataId',
    );
    refused({ dataId: '' }, 'dataId', 'INVALID_NAME');
    refused({ appName: ['a', 'b'] }, 'appName', 'INVALID_NAME');
    refused({ prefix: 'a#@#b' }, 'prefix', 'INVALID_NAME');
  });
});

describe('the query for clients', () => {
  it('is of some connections of one session server', () => {
    expect(readClientsQuery({ session: 's', connections: '1,20' })).toEqual({ session: 's', connections: [1, 20] });
    const many = Array.from({ length: 1_001 }, (_, i) => i).join();
    for (const connections of [undefined, '', 'a', '1,', '-1', many, ['1']])
      expect(() => readClientsQuery({ session: 's', connections })).toThrow(
        'connections must be from 1 to 1000 numbers',
      );
    expect(() => readClientsQuery({ connections: '1' })).toThrow('session must be');
  });
});

describe('a filter of names', () => {
  const NAMES = ['user#@#i#@#g', 'user#@#i#@#h', 'user#@#j#@#g', 'user2#@#i#@#g', 'note#@#i#@#g'];
  const found = (filter: ConstructorParameters<typeof NamesFilter>[0]) =>
    NAMES.filter((name) => new NamesFilter(filter).matches(name));

  it('lets through what has all that it says', () => {
    expect(found({})).toEqual(NAMES);
    expect(found({ prefix: 'user' })).toEqual(NAMES.slice(0, 4));
    expect(found({ dataId: 'user' })).toEqual(NAMES.slice(0, 3));
    expect(found({ dataId: 'user', group: 'g' })).toEqual([NAMES[0], NAMES[2]]);
    expect(found({ instanceId: 'j' })).toEqual([NAMES[2]]);
    expect(found({ prefix: 'user', group: 'h' })).toEqual([NAMES[1]]);
    expect(found({ prefix: 'x', dataId: 'user' })).toEqual([]);
    expect(found({ prefix: 'us', dataId: 'user', group: 'g', instanceId: 'i' })).toEqual([NAMES[0]]);
  });

  it('knows the one slot where the whole name is said', () => {
    const slots = (filter: ConstructorParameters<typeof NamesFilter>[0]) => new NamesFilter(filter).slots(8, () => 5);
    expect(slots({ dataId: 'user', group: 'g', instanceId: 'i' })).toEqual([5, 6]);
    expect(slots({ dataId: 'user' })).toEqual([0, 8]);
  });
});
