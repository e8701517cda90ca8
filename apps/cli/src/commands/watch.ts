import { setTimeout } from 'node:timers/promises';
import { Refused, Unreachable, reasonOf } from '../failures.js';
import { counted } from '../output/duration.js';
import { harmless } from '../output/paint.js';
import type { Datum } from '../servers/answers.js';
import { type ServerEvent, readEvents } from '../servers/events.js';
import type { Run } from '../run.js';
import { type AddCommands, examples, readCount } from './command.js';
import { type ViewOptions, viewFields, withView } from './datum.js';

interface Options extends ViewOptions {
  count?: number;
}

const RETRY_MS = 1_000;

export const addWatch: AddCommands = (parent, tasks) => {
  withView(parent.command('watch'))
    .description('Shows who is registered under names, now and with every change, until Ctrl-C.')
    .argument('<dataId...>', 'the names')
    .option('--count <number>', 'end after so many answers', readCount)
    .addHelpText(
      'after',
      examples('rollcall watch user', 'rollcall watch user order --zone east', 'rollcall watch user --json --count 1'),
    )
    .action(tasks.of((run: Run, dataIds: string[], options: Options) => watch(run, dataIds, options)));
};

async function watch(run: Run, dataIds: readonly string[], options: Options): Promise<void> {
  const query = new URLSearchParams(viewFields(options));
  for (const dataId of dataIds) query.append('dataId', dataId);
  const known = new Map<string, Datum>();
  await follow(
    run,
    '/v1/watch',
    query,
    ({ data }) => {
      const datum = data as Datum;
      run.printNext(datum, () => changesOf(run, known.get(datum.dataInfoId), datum));
      known.set(datum.dataInfoId, datum);
    },
    options.count,
  );
}

/**
 * Reads the events of a stream until Ctrl-C, or until there were so many. When the stream ends it is opened again, at any
 * session server, and goes on where it was.
 */
export async function follow(
  run: Run,
  path: string,
  query: URLSearchParams,
  take: (event: ServerEvent) => void,
  count = Infinity,
): Promise<void> {
  let lastId: string | undefined;
  for (let taken = 0; taken < count;) {
    try {
      const session = await run.cluster.session();
      const headers: Record<string, string> = lastId === undefined ? {} : { 'last-event-id': lastId };
      for await (const event of readEvents(await session.stream(path, query, headers))) {
        lastId = event.id ?? lastId;
        take(event);
        if (++taken >= count) return;
      }
      run.note('rollcall: the server ended the stream; it is opened again');
    } catch (error) {
      // Ctrl-C is how one stops watching.
      if (run.signal.aborted) return;
      if (taken === 0 || (error instanceof Refused && error.status < 500)) throw error;
      const reason = error instanceof Unreachable ? error.reason : reasonOf(error);
      run.note(`rollcall: ${reason}; trying again`);
    }
    run.cluster.forget('session');
    await setTimeout(RETRY_MS, undefined, { signal: run.signal }).catch(() => undefined);
    if (run.signal.aborted) return;
  }
}

function changesOf({ paint }: Run, former: Datum | undefined, datum: Datum): string[] {
  const { dataInfoId, version, publishers, partial } = datum;
  const time = new Date().toISOString().slice(11, 23);
  const state = partial ? ', not complete yet' : '';
  const told = `${version}: ${counted(publishers.length, 'publisher')}${state}`;
  const head = `${paint('dim', time)}  ${paint('strong', harmless(dataInfoId))}  ${told}`;
  const shown = (list: readonly Datum['publishers'][number][]): Map<string, string> =>
    new Map(
      list.map(({ registerId, data, zone }) => [registerId, harmless(`${data.join(' ')}  ${zone}  ${registerId}`)]),
    );
  const [before, after] = [shown(former?.publishers ?? []), shown(publishers)];
  const lines = [head];
  for (const [id, text] of after)
    if (!before.has(id)) lines.push(paint('good', `  + ${text}`));
    else if (before.get(id) !== text) lines.push(paint('warn', `  ~ ${text}`));
  for (const [id, text] of before) if (!after.has(id)) lines.push(paint('bad', `  - ${text}`));
  for (const { data } of (datum as { temporary?: Datum['publishers'] }).temporary ?? [])
    lines.push(paint('strong', `  ! ${harmless(data.join(' '))}`));
  return lines;
}
