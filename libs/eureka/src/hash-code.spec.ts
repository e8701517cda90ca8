import { hashCodeOf } from './hash-code.js';

/** The first three are those of ApplicationsTest and of the comments of Eureka itself. */
it.each([
  [[], ''],
  [['UP'], 'UP_1_'],
  [['UP', 'DOWN', 'UP'], 'DOWN_1_UP_2_'],
  [['UP', 'UNKNOWN', 'STARTING', 'OUT_OF_SERVICE', 'DOWN'], 'DOWN_1_OUT_OF_SERVICE_1_STARTING_1_UNKNOWN_1_UP_1_'],
] as const)('the hash code of %j is %j', (statuses, code) => {
  expect(hashCodeOf(statuses.map((status) => ({ status })))).toBe(code);
});
