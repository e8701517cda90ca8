import { areNeighbours } from './release.js';

describe('versions in one cluster', () => {
  it.each([
    ['0.1.0', '0.1.9', true],
    ['0.1.0', '0.2.0', true],
    ['0.1.0', '0.3.0', false],
    ['0.10.0', '0.9.7', true],
    ['0.10.0', '0.1.0', false],
    ['1.4.2', '1.5.0-rc.1', true],
    ['1.4.2', '1.6.0', false],
    ['0.9.0', '1.0.0', false],
    ['1.0.0', '2.0.0', false],
    [undefined, '0.9.0', true],
    ['0.9.0', 'nightly', true],
  ])('%s and %s: %s', (one, other, expected) => {
    expect([areNeighbours(one, other), areNeighbours(other, one)]).toEqual([expected, expected]);
  });
});
