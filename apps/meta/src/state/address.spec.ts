import { canonicalAddress } from './address.js';

describe('the address of a client', () => {
  it.each([
    ['10.0.0.7', '10.0.0.7'],
    ['::ffff:10.0.0.7', '10.0.0.7'],
    ['::1', '::1'],
    ['0:0:0:0:0:0:0:1', '::1'],
    ['FE80::00AB', 'fe80::ab'],
  ])('%s is %s', (text, expected) => {
    expect(canonicalAddress(text)).toBe(expected);
  });

  it.each(['10.0.0.7:80', '[::1]', 'host', '10.0.0', '', '10.0.0.0/8', 'fe80::1%eth0'])('%s is none', (text) => {
    expect(canonicalAddress(text)).toBeUndefined();
  });
});
