import * as fc from 'fast-check';
import { appNameOf, dataIdOf } from './app-name.js';

describe('the name of an application', () => {
  it.each([
    ['user', 'USER'],
    ['user-service.v2', 'USER-SERVICE.V2'],
    ['UserService', '~USER~SERVICE'],
    ['com.acme.Shop:1.0', 'COM.ACME.~SHOP:1.0'],
    ['straße', 'STRA~0DF.E'],
    ['a~b', 'A~07E.B'],
  ])('of %j is %s, and back', (dataId, appName) => {
    expect(appNameOf(dataId)).toBe(appName);
    expect(dataIdOf(appName)).toBe(dataId);
    expect(dataIdOf(appName.toLowerCase())).toBe(dataId);
  });

  it('is in upper case, and tells each dataId from all others', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (dataId) => {
        const name = appNameOf(dataId);
        expect(name.toUpperCase()).toBe(name);
        expect(dataIdOf(name)).toBe(dataId);
      }),
    );
  });

  it.each(['A~', 'A~b~', '~1', '~041.', '~07E', '~0FFFFFF.', '~061.'])('is not %j', (name) => {
    expect(dataIdOf(name)).toBeUndefined();
  });

  it('is some dataId, or none, whatever it is, and then names it alone', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'aZ~0.DF9') }), (name) => {
        const dataId = dataIdOf(name);
        expect(dataId === undefined || appNameOf(dataId)).toBe(dataId === undefined || name.toUpperCase());
      }),
    );
  });
});
