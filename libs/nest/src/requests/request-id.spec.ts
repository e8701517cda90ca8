import { REQUEST_ID_HEADER, forRequest, isRequestId, requestBehind, requestIdOf } from './request-id.js';

describe('the id of a request', () => {
  const of = (given?: string): string =>
    requestIdOf({ headers: given === undefined ? {} : { [REQUEST_ID_HEADER]: given } });

  it.each(['a', '7f3c', '00-4bf92f3577b34da6a3ce929d0e0e4736-01', 'Root=1-67891233-abc', 'a'.repeat(128)])(
    'is what the caller says: %s',
    (given) => expect(of(given)).toBe(given),
  );

  it.each([undefined, '', ' ', 'a b', 'a\n{"event":"forged"}', 'ä', '"', 'a'.repeat(129)])(
    'is one of our own where that is nothing for a log: %j',
    (given) => {
      expect(isRequestId(of(given))).toBe(true);
      expect(of(given)).not.toBe(given);
      expect(of(given)).not.toBe(of(given));
    },
  );

  it('is found in what it has caused: an event, or the message of one', () => {
    expect(requestBehind({ type: 'committed', ...forRequest('a') })).toEqual({ requestId: 'a' });
    expect(requestBehind({ type: 'received', message: { kind: 'switches', ...forRequest('b') } })).toEqual({
      requestId: 'b',
    });
    expect([forRequest(undefined), requestBehind({ type: 'wake' })]).toEqual([{}, {}]);
  });

  it.each([null, 1, 'text', { forRequest: 1 }, { forRequest: 'a b' }])(
    'is nothing where a peer says something else: %j',
    (message) => expect(requestBehind({ message } as object)).toEqual({}),
  );
});
