import { combineTraces } from './combine.js';
import type { TracedArrival, TracedOrigin } from './report.js';

const names = { traceId: 't', dataInfoId: 'd', registerId: 'r' };
const origin: TracedOrigin = { acceptedAt: '2026-01-01T00:00:00.000Z', state: 'stored', told: 2 };
const arrival: TracedArrival = {
  ...{ version: '1.2', state: 'taken' },
  ...{ counts: { pending: 0, pushed: 0, acked: 0, left: 0 }, subscribers: [] },
};

describe('what the session servers of a cluster know of a trace', () => {
  it('is the way of the publication, and who cannot say whether it has come to them', () => {
    expect(
      combineTraces([
        { session: 'a:1', report: { ...names, arrival } },
        { session: 'b:1', report: { ...names, origin, arrival } },
        { session: 'c:1' },
        { session: 'd:1', unanswered: 'NOT_READY' },
      ]),
    ).toEqual({
      ...names,
      origin: { session: 'b:1', ...origin },
      sessions: [
        { session: 'a:1', ...arrival },
        { session: 'b:1', ...arrival },
      ],
      unanswered: [{ session: 'd:1', reason: 'NOT_READY' }],
    });
  });

  it('is nothing where none of them knows it', () => {
    expect(
      combineTraces([
        { session: 'a:1', report: undefined },
        { session: 'b:1', unanswered: 'gone' },
      ]),
    ).toBeUndefined();
  });
});
