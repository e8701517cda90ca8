import { type RaftMessage, isEnvelope } from '#consensus';
import { pack, unpack } from '#wire';

const configuration = { voters: ['a', 'b'], learners: ['c'] };
const meta = { index: 9, term: 2, configuration: { ...configuration, outgoing: ['a'], era: 2 ** 47 } };

/** One of each form. */
const MESSAGES: RaftMessage[] = [
  { kind: 'preVote', term: 3, lastIndex: 7, lastTerm: 2 },
  { kind: 'vote', term: 3, lastIndex: 7, lastTerm: 2, transfer: true },
  { kind: 'preVoteAnswer', term: 3, granted: true },
  { kind: 'voteAnswer', term: 3, granted: false },
  {
    kind: 'append',
    term: 3,
    previousIndex: 0,
    previousTerm: 0,
    entries: [
      { kind: 'noop', index: 1, term: 1 },
      { kind: 'command', index: 2, term: 1, payload: new Uint8Array([0, 255, 1]) },
      { kind: 'configuration', index: 3, term: 2, configuration },
    ],
    commit: 2,
    round: 5,
    answered: 4,
  },
  { kind: 'appendAnswer', term: 3, round: 5, matched: 3 },
  { kind: 'appendAnswer', term: 3, round: 5, matched: 0, conflict: { index: 2, term: 1 } },
  { kind: 'snapshot', term: 3, meta, offset: 0, bytes: new Uint8Array(1000).fill(3), last: true, round: 5 },
  { kind: 'snapshotAnswer', term: 3, index: 9, nextOffset: 1000, round: 5 },
  { kind: 'timeoutNow', term: 3 },
];

const sent = (message: unknown): unknown => unpack(pack({ from: 'a', to: 'b', message }));

describe('an envelope', () => {
  it.each(MESSAGES.map((message) => [message.kind, message] as const))('arrives as it was sent: %s', (_, message) => {
    const received = sent(message);
    expect(isEnvelope(received)).toBe(true);
    expect(received).toEqual({ from: 'a', to: 'b', message });
  });

  it('is refused without any one of its fields, or with another type of value there', () => {
    const optional = new Set(['transfer', 'outgoing', 'conflict', 'era', 'answered']);
    let refused = 0;
    for (const message of MESSAGES) {
      for (const spoilt of spoil(message as unknown as Record<string, unknown>, optional)) {
        expect({ spoilt, accepted: isEnvelope(sent(spoilt)) }).toEqual({ spoilt, accepted: false });
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(100);
    for (const era of [-1, 0.5, '1', null]) {
      const message = MESSAGES[0];
      expect(isEnvelope(unpack(pack({ from: 'a', to: 'b', era, message })))).toBe(false);
      expect(isEnvelope(unpack(pack({ from: 'a', to: 'b', era: 2 ** 47, message })))).toBe(true);
    }
    for (const value of [null, 1, 'x', [], {}, { from: 1, to: 'b', message: MESSAGES[0] }, { message: MESSAGES[0] }])
      expect(isEnvelope(value)).toBe(false);
    expect(isEnvelope(sent({ kind: 'toString', term: 1 }))).toBe(false);
  });
});

/** Copies of the value in which one field, at any depth, is missing or something else. */
function* spoil(value: Record<string, unknown>, optional: ReadonlySet<string>): Generator<Record<string, unknown>> {
  for (const [name, field] of Object.entries(value)) {
    const { [name]: _, ...rest } = value;
    if (!optional.has(name)) yield rest;
    yield { ...value, [name]: { strange: true } };
    if (typeof field === 'number') yield { ...value, [name]: -1 };
    if (typeof field === 'number') yield { ...value, [name]: 0.5 };
    if (Array.isArray(field)) {
      for (const item of field as unknown[]) {
        if (typeof item !== 'object' || item === null) yield { ...value, [name]: [1] };
        else
          for (const spoilt of spoil(item as Record<string, unknown>, optional)) yield { ...value, [name]: [spoilt] };
      }
    } else if (typeof field === 'object' && field !== null && !(field instanceof Uint8Array)) {
      for (const spoilt of spoil(field as Record<string, unknown>, optional)) yield { ...value, [name]: spoilt };
    }
  }
}
