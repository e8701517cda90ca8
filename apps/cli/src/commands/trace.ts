import { duration } from '../output/duration.js';
import { type Cell, fields, table } from '../output/table.js';
import type { Run } from '../run.js';
import { type AddCommands, examples } from './command.js';

interface TracedWay {
  traceId: string;
  dataInfoId: string;
  registerId: string;
  origin?: {
    session: string;
    acceptedAt: string;
    state: string;
    version?: string;
    appliedAfterMs?: number;
    storedAfterMs?: number;
    told?: number;
    failure?: { code: string; message: string };
  };
  sessions: {
    session: string;
    state: string;
    arrivedAfterMs?: number;
    counts: Record<string, number>;
    subscribers: TracedSubscriber[];
    more?: number;
  }[];
  unanswered: { session: string; reason: string }[];
}

interface TracedSubscriber {
  address: string;
  appName?: string;
  zone: string;
  state: string;
  superseded?: true;
  pushedAfterMs?: number;
  ackedAfterMs?: number;
  waitsFor?: string;
}

export const addTrace: AddCommands = (parent, tasks) => {
  parent
    .command('trace')
    .description('How what was published with --trace has come to its subscribers, and what keeps it from them.')
    .argument('<traceId>', 'as publish --trace, or the SDK, answered it')
    .addHelpText('after', examples('rollcall publish user http://10.0.0.7:80 --trace', 'rollcall trace TRACE_ID'))
    .action(tasks.of((run: Run, traceId: string) => trace(run, traceId)));
};

async function trace(run: Run, traceId: string): Promise<void> {
  const session = await run.cluster.session();
  const way = await session.get<TracedWay>(`/v1/traces/${encodeURIComponent(traceId)}`);
  run.print(way, () => [
    ...fields(run.paint, [
      ['publication', `${way.registerId} in ${way.dataInfoId}`],
      ...originOf(way),
      ...way.unanswered.map(({ session: server, reason }): [string, Cell] => [
        'not answered',
        { text: `${server}: ${reason}`, tint: 'bad' },
      ]),
    ]),
    '',
    ...(way.sessions.length === 0 ? ['It has come to no session server.'] : arrivals(run, way)),
  ]);
}

function originOf({ origin }: TracedWay): [string, Cell][] {
  if (!origin) return [['accepted', { text: 'by a server that cannot be asked, or too long ago', tint: 'warn' }]];
  const { session, acceptedAt, state, version, appliedAfterMs, storedAfterMs, told, failure } = origin;
  const text = failure ? `${state}: ${failure.message} (${failure.code})` : state;
  return [
    ['accepted', `${acceptedAt} by ${session}`],
    ['state', { text: version ? `${text} at version ${version}` : text, tint: state === 'stored' ? 'good' : 'warn' }],
    ['applied', appliedAfterMs === undefined ? undefined : `after ${duration(appliedAfterMs)}`],
    ['stored', storedAfterMs === undefined ? undefined : `after ${duration(storedAfterMs)}`],
    ['told to', told === undefined ? undefined : `${told} session servers`],
  ];
}

function arrivals({ paint }: Run, { sessions }: TracedWay): string[] {
  const after = (ms: number | undefined): string => (ms === undefined ? '' : duration(ms));
  const rows = sessions.flatMap(({ session, state, arrivedAfterMs, subscribers, more }): Cell[][] => [
    ...(subscribers.length === 0
      ? [[session, after(arrivedAfterMs), 'nobody', '', { text: state, tint: 'dim' as const }]]
      : []),
    ...subscribers.map((one): Cell[] => [
      ...[session, after(arrivedAfterMs), one.appName ? `${one.appName} ${one.address}` : one.address, one.zone],
      { text: one.superseded ? `${one.state}, superseded` : one.state, tint: one.state === 'acked' ? 'good' : 'warn' },
      ...[after(one.pushedAfterMs), after(one.ackedAfterMs), one.waitsFor],
    ]),
    ...(more ? [[session, '', `and ${more} more`]] : []),
  ]);
  const header = ['SESSION', 'ARRIVED', 'SUBSCRIBER', 'ZONE', 'STATE', 'PUSHED', 'ACKED', 'WAITS FOR'];
  return table(paint, header, rows);
}
