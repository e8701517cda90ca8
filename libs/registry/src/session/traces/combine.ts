import type { TraceReport, TracedArrival, TracedOrigin } from './report.js';

/** What was asked of one session server, by the address that clients know it by. */
export interface TraceAnswer {
  session: string;
  /** Undefined where it has had nothing to do with the publication, or has forgotten it. */
  report?: TraceReport | undefined;
  /** Why nobody knows what it would say. */
  unanswered?: string;
}

/** The whole way of a publication. */
export interface TracedWay extends Pick<TraceReport, 'traceId' | 'dataInfoId' | 'registerId'> {
  /** Where it was accepted; left out where that server cannot be asked, or has forgotten it. */
  origin?: TracedOrigin & { session: string };
  /** The session servers that it has come to. */
  sessions: (TracedArrival & { session: string })[];
  /** Session servers that cannot say whether it has come to them. */
  unanswered: { session: string; reason: string }[];
}

/** Puts together what the session servers of a cluster say. Undefined where none of them knows of it. */
export function combineTraces(answers: readonly TraceAnswer[]): TracedWay | undefined {
  const known = answers.flatMap(({ session, report }) => (report ? [{ session, report }] : []));
  const first = known[0]?.report;
  if (!first) return undefined;
  const { traceId, dataInfoId, registerId } = first;
  const origins = known.flatMap(({ session, report: { origin } }) => (origin ? [{ session, ...origin }] : []));
  return {
    ...{ traceId, dataInfoId, registerId },
    ...(origins[0] ? { origin: origins[0] } : {}),
    sessions: known.flatMap(({ session, report: { arrival } }) => (arrival ? [{ session, ...arrival }] : [])),
    unanswered: answers.flatMap(({ session, unanswered }) =>
      unanswered === undefined ? [] : [{ session, reason: unanswered }],
    ),
  };
}
