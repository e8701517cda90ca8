import * as fc from 'fast-check';
import type { Configuration, Entry } from './contract.js';
import { decodeSnapshot, encodeSnapshot, fromLogEntry, toLogEntries } from './formats.js';

const configurations: fc.Arbitrary<Configuration> = fc.record(
  { voters: fc.array(fc.string()), learners: fc.array(fc.string()), outgoing: fc.array(fc.string()) },
  { requiredKeys: ['voters', 'learners'] },
);
const index = fc.nat();
const term = fc.nat();
const entries: fc.Arbitrary<Entry> = fc.oneof(
  fc.record({ kind: fc.constant('noop' as const), index, term }),
  fc.record({ kind: fc.constant('command' as const), index, term, payload: fc.uint8Array() }),
  fc.record({ kind: fc.constant('configuration' as const), index, term, configuration: configurations }),
);

it('entries come back from the store as they were', () => {
  fc.assert(
    fc.property(fc.array(entries), (log) => {
      expect(toLogEntries(log).map(fromLogEntry)).toEqual(log.map(plain));
    }),
  );
});

it('an entry of a later version is refused, not guessed at', () => {
  expect(() => fromLogEntry({ index: 7, term: 1, payload: Uint8Array.of(9) })).toThrow(/Entry 7 .*kind unknown here/);
});

it('a snapshot comes back whole, and any byte changed or missing is noticed', () => {
  fc.assert(
    fc.property(configurations, fc.uint8Array(), fc.nat(), (configuration, image, at) => {
      const bytes = encodeSnapshot(configuration, image);
      expect(decodeSnapshot(bytes)).toEqual({ configuration: plain(configuration), image });
      const changed = bytes.slice();
      changed[at % bytes.length]! ^= 0x10;
      expect(() => decodeSnapshot(changed)).toThrow('checksum');
      expect(() => decodeSnapshot(bytes.subarray(0, at % bytes.length))).toThrow('checksum');
    }),
  );
});

/** Records of fast-check have no prototype. */
function plain<T extends object>(value: T): T {
  return 'configuration' in value ? { ...value, configuration: { ...(value.configuration as object) } } : { ...value };
}
