import { LIMITS } from '#model';
import {
  readChange,
  readConfigBody,
  readConfirmBody,
  readDrainBody,
  readExpectedVersion,
  requireChangeable,
  stateChanged,
} from './changes.js';
import { metaStateMachine } from '../state.js';
import type { SwitchReader } from './switches.js';

/** Addresses are upper case here, to tell that they were read. */
const lent: SwitchReader = {
  canonicalAddress: (text) => (/^[a-z]\d$/i.test(text) ? text.toUpperCase() : undefined),
};
const switches = (changes: unknown) => readChange({ type: 'setSwitches', changes }, lent);
const refusal = (field: string, code = 'BAD_REQUEST') => expect.objectContaining({ code, details: { field } });

describe('a change of switches', () => {
  it.each([
    [{ readOnly: true }],
    [{ stopPush: { scope: 'none' } }],
    [{ readOnly: false, stopPush: { scope: 'all' } }],
    [{ stopPush: { scope: 'zones', zones: ['east', 'west'] } }],
    [{ clientsOff: [] }],
    [{ blacklist: ['a', 'a#@#i#@#g', 'b'] }],
    [{ publicationsOff: [{ dataInfoId: 'a#@#i#@#g', registerId: 'x' }] }],
    [{ clientsOff: ['A1', 'B2'], pushWindow: {} }],
    [{ pushWindow: { minMs: 20 } }],
    [{ pushWindow: { minMs: 20, maxMs: 20 } }],
    [{ pushWindow: { maxMs: 0 } }],
  ])('is read as it is: %j', (changes) => {
    expect(switches(changes)).toEqual({ type: 'setSwitches', changes });
  });

  it('has its lists in one order, each entry once and in one form', () => {
    expect(switches({ stopPush: { scope: 'gray', addresses: ['b2', 'a1', 'B2'] } })).toEqual({
      type: 'setSwitches',
      changes: { stopPush: { scope: 'gray', addresses: ['A1', 'B2'] } },
    });
    expect(switches({ blacklist: ['b', 'a', 'b'] })).toMatchObject({ changes: { blacklist: ['a', 'b'] } });
    const [x, y] = ['x', 'y'].map((registerId) => ({ dataInfoId: 'a#@#i#@#g', registerId }));
    expect(switches({ publicationsOff: [y, x, y] })).toMatchObject({ changes: { publicationsOff: [x, y] } });
    expect(switches({ clientsOff: ['b2', 'a1', 'B2'] })).toMatchObject({ changes: { clientsOff: ['A1', 'B2'] } });
  });

  it.each<[unknown, RegExp, string | undefined]>([
    [{}, /No switch is named; there are stopPush, readOnly/, undefined],
    [[], /must be an object/, undefined],
    [null, /must be an object/, undefined],
    [{ readOnly: 'yes' }, /true or false/, 'readOnly'],
    [{ readonly: true }, /"readonly"; it may have stopPush, readOnly/, 'readonly'],
    [{ readOnly: true, expectedVersion: 3 }, /belongs into the query/, 'expectedVersion'],
    [{ stopPush: true }, /must be an object/, undefined],
    [{ stopPush: {} }, /scope must be one of none, all, zones, addresses, gray/, 'stopPush.scope'],
    [{ stopPush: { scope: 'toString' } }, /scope must be one of/, 'stopPush.scope'],
    [{ stopPush: { scope: 'all', zones: ['a'] } }, /scope all has no zones/, 'stopPush.zones'],
    [{ stopPush: { scope: 'zones', addresses: ['a1'] } }, /has no addresses/, 'stopPush.addresses'],
    [{ stopPush: { scope: 'zones' } }, /must be a list that is not empty/, 'stopPush.zones'],
    [{ stopPush: { scope: 'gray', addresses: [] } }, /must be a list that is not empty/, 'stopPush.addresses'],
    [{ stopPush: { scope: 'addresses', addresses: ['a1:80'] } }, /a1:80 is no IP address/, 'stopPush.addresses'],
    [{ clientsOff: 'a1' }, /must be a list/, 'clientsOff'],
    [{ blacklist: 'a' }, /must be a list/, 'blacklist'],
    [{ publicationsOff: ['x'] }, /must be an object/, undefined],
    [{ publicationsOff: [{ dataInfoId: 'a', registerId: 'x' }] }, /as answers tell it/, 'dataInfoId'],
    [{ publicationsOff: [{ dataInfoId: 'a#@#i#@#g', registerId: 'x', zone: 'z' }] }, /it may have/, 'zone'],
    [{ clientsOff: ['a1:80'] }, /a1:80 is no IP address/, 'clientsOff'],
    [{ pushWindow: 7 }, /must be an object/, undefined],
    [{ pushWindow: { ms: 7 } }, /it may have minMs, maxMs/, 'ms'],
    [{ pushWindow: { minMs: -1 } }, /must be a whole number/, 'pushWindow.minMs'],
    [{ pushWindow: { maxMs: 10_001 } }, /no more than 10000 ms/, 'pushWindow'],
    [{ pushWindow: { minMs: 30, maxMs: 20 } }, /must not be above/, 'pushWindow.minMs'],
  ])('is refused, and says why: %j', (changes, message, field) => {
    expect(() => switches(changes)).toThrow(message);
    expect(() => switches(changes)).toThrow(field === undefined ? message : refusal(field));
  });

  it('names a bounded number of bounded names', () => {
    const zones = Array.from({ length: LIMITS.switchEntries + 1 }, (_, i) => `z${i}`);
    expect(() => switches({ stopPush: { scope: 'zones', zones } })).toThrow(/at most 1000/);
    expect(() => switches({ stopPush: { scope: 'zones', zones: ['z'.repeat(513)] } })).toThrow(
      refusal('stopPush.zones', 'INVALID_NAME'),
    );
    expect(() => switches({ stopPush: { scope: 'zones', zones: [7] } })).toThrow(/must be a string/);
    for (const field of ['clientsOff', 'blacklist', 'publicationsOff'])
      expect(() => switches({ [field]: zones })).toThrow(/at most 1000/);
    for (const name of ['', 7, 'a#@#b', 'a#@##@#g', 'x'.repeat(513)])
      expect(() => switches({ blacklist: [name] })).toThrow(refusal('blacklist', 'INVALID_NAME'));
  });
});

describe('a switch that older versions do not know', () => {
  const at = (featureLevel: number) => ({
    ...metaStateMachine.initial(),
    table: { ...metaStateMachine.initial().table, clusterId: 'c' },
    featureLevel,
  });

  it.each([{ clientsOff: ['a1'] }, { pushWindow: {}, readOnly: true }])(
    'waits for the feature level: %j',
    (changes) => {
      expect(() => requireChangeable(at(2), switches(changes))).toThrow(
        expect.objectContaining({ code: 'UNSUPPORTED_LEVEL', details: { needed: 3, featureLevel: 2 } }),
      );
      expect(() => requireChangeable(at(3), switches(changes))).not.toThrow();
    },
  );

  it('keeps none that all know from being switched', () => {
    expect(() => requireChangeable(at(1), switches({ readOnly: true }))).not.toThrow();
    expect(() => requireChangeable(metaStateMachine.initial(), switches({ readOnly: true }))).toThrow(
      expect.objectContaining({ code: 'NOT_READY' }),
    );
  });
});

describe('the confirmation of a loss', () => {
  it('names what the operator knew, and the role where it is one', () => {
    for (const change of [
      { type: 'confirmLoss', epoch: 7 },
      { type: 'confirmLoss', epoch: 0, role: 'data' },
    ])
      expect(readChange(change, lent)).toEqual(change);
    expect(readConfirmBody(undefined)).toEqual({});
    expect(readConfirmBody({ role: 'session' })).toEqual({ role: 'session' });
  });

  it('says what is wrong', () => {
    expect(() => readChange({ type: 'confirmLoss' }, lent)).toThrow(refusal('epoch'));
    expect(() => readChange({ type: 'confirmLoss', epoch: 7, role: 'meta' }, lent)).toThrow(refusal('role'));
    expect(() => readConfirmBody({ role: 7 })).toThrow(refusal('role'));
    expect(() => readConfirmBody({ sinceEpoch: 7 })).toThrow(/it may have role/);
    expect(() => readConfirmBody([])).toThrow(/must be an object/);
  });
});

describe('a drain, and a pause of rebalancing', () => {
  it('are read as they are', () => {
    for (const change of [
      { type: 'drain', server: 'data:1', leaving: 2 },
      { type: 'undrain', server: 'data:1' },
      { type: 'setRebalance', paused: true },
      { type: 'setRebalance', paused: false, expectedVersion: 3 },
    ])
      expect(readChange(change, lent)).toEqual(change);
    expect(readDrainBody(undefined)).toEqual({ fewerReplicas: false });
    expect(readDrainBody({})).toEqual({ fewerReplicas: false });
    expect(readDrainBody({ fewerReplicas: true })).toEqual({ fewerReplicas: true });
  });

  it('say what is wrong', () => {
    expect(() => readChange({ type: 'drain', server: '', leaving: 2 }, lent)).toThrow(
      refusal('server', 'INVALID_NAME'),
    );
    expect(() => readChange({ type: 'drain', server: 'data:1', leaving: -1 }, lent)).toThrow(refusal('leaving'));
    expect(() => readChange({ type: 'undrain' }, lent)).toThrow(refusal('server', 'INVALID_NAME'));
    expect(() => readChange({ type: 'setRebalance', paused: 'yes' }, lent)).toThrow(refusal('paused'));
    expect(() => readDrainBody({ fewerReplicas: 1 })).toThrow(refusal('fewerReplicas'));
    expect(() => readDrainBody({ force: true })).toThrow(/it may have fewerReplicas/);
  });
});

describe('a change of a configuration value', () => {
  it('is read as it is', () => {
    for (const change of [
      { type: 'setConfig', key: 'a/b c', value: '' },
      { type: 'setConfig', key: 'k', value: 'ü'.repeat(LIMITS.configValueBytes / 2), expectedVersion: 0 },
      { type: 'deleteConfig', key: 'k', expectedVersion: 7 },
    ])
      expect(readChange(change, lent)).toEqual(change);
    expect(readConfigBody({ value: 'x' })).toBe('x');
  });

  it('is bounded, and says what is wrong', () => {
    expect(() => readChange({ type: 'setConfig', key: '', value: 'x' }, lent)).toThrow(refusal('key', 'INVALID_NAME'));
    expect(() => readChange({ type: 'setConfig', key: 'k'.repeat(513), value: 'x' }, lent)).toThrow(/at most 512/);
    const large = `${'ü'.repeat(LIMITS.configValueBytes / 2)}x`;
    expect(() => readConfigBody({ value: large })).toThrow(refusal('value', 'CONFIG_TOO_LARGE'));
    for (const body of [{}, { value: 7 }, { value: null }])
      expect(() => readConfigBody(body)).toThrow(refusal('value'));
    expect(() => readConfigBody('x')).toThrow(/must be an object/);
    expect(() => readConfigBody({ value: 'x', expectedVersion: 1 })).toThrow(/belongs into the query/);
  });

  it('may expect a version, of the query string', () => {
    expect(readExpectedVersion({})).toEqual({});
    expect(readExpectedVersion({ expectedVersion: '0' })).toEqual({ expectedVersion: 0 });
    for (const expectedVersion of ['', 'x', '-1', '1.5', '1e3', ['1', '2']])
      expect(() => readExpectedVersion({ expectedVersion })).toThrow(refusal('expectedVersion'));
    expect(() => readExpectedVersion({ version: '1' })).toThrow(/it may have expectedVersion/);
  });

  it('is nothing else', () => {
    for (const other of [null, 'x', {}, { type: 'join' }, { type: 'toString' }, { type: 'setConfig', member: {} }])
      expect(() => readChange(other, lent)).toThrow(expect.objectContaining({ code: 'BAD_REQUEST' }));
  });

  it('comes to what the state machine says', () => {
    expect(stateChanged({ changed: false, epoch: 3, version: 7 })).toEqual({ changed: false, version: 7 });
    expect(stateChanged({ changed: true, epoch: 3 })).toEqual({ changed: true, version: 3 });
    const failure = { code: 'VERSION_CONFLICT' as const, message: 'no', details: { version: 2 } };
    expect(() => stateChanged({ changed: false, epoch: 3, failure })).toThrow(expect.objectContaining(failure));
  });
});
