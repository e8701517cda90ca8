import { Unreadable } from './read-instance.js';
import { body, instance } from './instance.harness.js';
import {
  checkApp,
  givenStatus,
  leaseMsOf,
  mustRegisterAgain,
  overridden,
  registered,
  restored,
  withMetadata,
} from './registration.js';
import { readInstance } from './read-instance.js';

const NOW = 1_700_000_000_000;

describe('a registration', () => {
  it('begins a lease, and keeps since when the service has been up', () => {
    const first = registered(instance({ leaseInfo: { durationInSecs: 5 } }), undefined, NOW);
    expect(first).toMatchObject({
      ...{ actionType: 'ADDED', status: 'UP', overriddenStatus: 'UNKNOWN', lastUpdatedTimestamp: NOW },
      leaseInfo: { registrationTimestamp: NOW, lastRenewalTimestamp: NOW, serviceUpTimestamp: NOW, durationInSecs: 5 },
    });
    expect(registered(instance(), first, NOW + 9)).toMatchObject({
      ...{ actionType: 'MODIFIED', lastUpdatedTimestamp: NOW + 9 },
      leaseInfo: { registrationTimestamp: NOW + 9, serviceUpTimestamp: NOW, durationInSecs: 90 },
    });
    expect(registered(instance({ status: 'STARTING' }), undefined, NOW).leaseInfo.serviceUpTimestamp).toBe(0);
  });

  it('is passed over for the one that is held, where that was dirty later', () => {
    const held = registered(instance({ lastDirtyTimestamp: 20, metadata: { v: '2' } }), undefined, NOW);
    const late = registered(instance({ lastDirtyTimestamp: 10, metadata: { v: '1' } }), held, NOW + 1);
    expect({ ...late.metadata }).toEqual({ v: '2' });
    expect(late.lastDirtyTimestamp).toBe(20);
    expect({ ...registered(instance({ lastDirtyTimestamp: 21, metadata: { v: '3' } }), held, NOW).metadata }).toEqual({
      v: '3',
    });
  });

  it('keeps the status that somebody has set, until it is taken back', () => {
    const held = registered(instance(), undefined, NOW);
    const out = overridden(held, 'OUT_OF_SERVICE', NOW + 1);
    expect(out).toMatchObject({ status: 'OUT_OF_SERVICE', overriddenStatus: 'OUT_OF_SERVICE', actionType: 'MODIFIED' });
    const again = registered(instance(), out, NOW + 2);
    expect(again).toMatchObject({ status: 'OUT_OF_SERVICE', overriddenStatus: 'OUT_OF_SERVICE', reportedStatus: 'UP' });
    expect(restored(again, undefined, NOW + 3)).toMatchObject({ status: 'UP', overriddenStatus: 'UNKNOWN' });
    expect(restored(again, 'DOWN', NOW + 3)).toMatchObject({ status: 'DOWN', overriddenStatus: 'UNKNOWN' });
  });

  it.each(['DOWN', 'STARTING', 'UNKNOWN'] as const)('is %s where the instance says so, whatever is set', (status) => {
    const up = overridden(registered(instance(), undefined, NOW), 'UP', NOW);
    expect(registered(instance({ status }), up, NOW)).toMatchObject({ status, overriddenStatus: 'UP' });
  });

  it('adds to the metadata, and replaces what is there', () => {
    const held = instance({ metadata: { a: '1', b: '2' } });
    expect({ ...withMetadata(held, { b: '3', c: '4' }, NOW).metadata }).toEqual({ a: '1', b: '3', c: '4' });
  });

  it('must be made again where the client has changed since, or nobody knows its status', () => {
    const held = instance({ lastDirtyTimestamp: 10 });
    expect([undefined, 9, 10, 11].map((at) => mustRegisterAgain(held, at))).toEqual([false, false, false, true]);
    expect(mustRegisterAgain({ ...held, status: 'UNKNOWN' }, undefined)).toBe(true);
  });

  it('has a lease within bounds', () => {
    const of = (durationInSecs: number) => leaseMsOf(readInstance(body({ leaseInfo: { durationInSecs } })));
    expect([1, 90, 0, -5, 1e9].map(of)).toEqual([1_000, 90_000, 90_000, 90_000, 86_400_000]);
  });

  it('is refused under another name, and a status that is none', () => {
    expect(() => checkApp(instance(), 'user')).not.toThrow();
    expect(() => checkApp(instance(), 'other')).toThrow('Mismatched appName, expecting OTHER but was USER');
    expect(givenStatus('OUT_OF_SERVICE')).toBe('OUT_OF_SERVICE');
    for (const value of ['up', '', undefined, 4]) expect(() => givenStatus(value)).toThrow(Unreadable);
  });
});
