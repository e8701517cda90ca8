import * as fc from 'fast-check';
import { leasedRegisterId, parseLeasedRegisterId, toDataInfoId } from './index.js';

describe('the registerId of a leased publication', () => {
  const name = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }).filter((text) => !/#|@|\p{Cc}/u.test(text));

  it('says which datum it belongs to, and what the caller called it', () => {
    fc.assert(
      fc.property(name, name, name, name, (dataId, group, instanceId, ownId) => {
        const dataInfoId = toDataInfoId({ dataId, group, instanceId });
        const registerId = leasedRegisterId(dataInfoId, ownId);
        expect(registerId).toMatch(/^L\.[A-Za-z0-9_-]+\./);
        expect(parseLeasedRegisterId(registerId)).toEqual({ dataInfoId, ownId });
      }),
    );
  });

  it('takes what the caller called it as it is, with the characters that end a line of text but are no control characters', () => {
    const dataInfoId = toDataInfoId({ dataId: 'orders', group: 'g', instanceId: 'i' });
    for (const ownId of ['\u2028', 'a\u2028b', 'a\u2029'])
      expect(parseLeasedRegisterId(leasedRegisterId(dataInfoId, ownId))).toEqual({ dataInfoId, ownId });
  });

  it('is not mistaken for an id of another form', () => {
    const canonical = leasedRegisterId('orders#@#DEFAULT_INSTANCE_ID#@#DEFAULT_GROUP', 'a');
    for (const id of ['', 'L.', 'L..', 'L.b3JkZXJz.a', 'a', canonical.slice(2), `${canonical.slice(0, -1)}`, 'L.!!.a'])
      expect(parseLeasedRegisterId(id)).toBeUndefined();
  });

  it('has one spelling only', () => {
    const canonical = leasedRegisterId('abc#@#i#@#gg', 'own');
    const [head, encoded, own] = canonical.split('.') as [string, string, string];
    expect(parseLeasedRegisterId(`${head}.${encoded}=.${own}`)).toBeUndefined();
    fc.assert(
      fc.property(fc.string(), (text) => {
        const parsed = parseLeasedRegisterId(text);
        expect(parsed ? leasedRegisterId(parsed.dataInfoId, parsed.ownId) : text).toBe(text);
      }),
    );
  });
});
