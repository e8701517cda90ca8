import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { WrongUsage } from '../failures.js';
import { duration } from '../output/duration.js';
import type { Api } from '../servers/api.js';
import type { Run } from '../run.js';
import { type AddCommands, examples, readDuration } from './command.js';
import { type NameOptions, nameFields, withName } from './datum.js';

interface Options extends NameOptions {
  persistent?: true;
  temporary?: true;
  lease: number;
  keep?: true;
  registerId?: string;
  zone?: string;
  app?: string;
  trace?: true;
}

interface Published {
  registerId: string;
  dataInfoId: string;
  version?: string;
  leaseMs?: number;
  persistent?: true;
  traceId?: string;
  state: string;
}

export const addPublish: AddCommands = (parent, tasks) => {
  withName(parent.command('publish'))
    .description('Registers an instance under a name: for as long as its lease, or for good.')
    .argument('<dataId>', 'the name')
    .argument('<data...>', 'what subscribers are told, usually one URL')
    .option('--lease <duration>', 'how long it stays unless it is renewed', readDuration, 60_000)
    .option('--keep', 'renew it until Ctrl-C, then remove it')
    .option('--persistent', 'it stays until it is removed, on the disks of all replicas')
    .option('--temporary', 'whoever watches now is told once, and nobody keeps it')
    .option('--register-id <id>', 'its own id; what has the same is replaced')
    .option('--zone <zone>', 'the zone it is in')
    .option('--app <name>', 'the application that it belongs to')
    .option('--trace', 'note how it reaches its subscribers, for rollcall trace')
    .addHelpText(
      'after',
      examples(
        "rollcall publish user 'http://10.0.0.7:80?weight=10' --lease 5m",
        'rollcall publish user http://10.0.0.7:80 --keep',
        'rollcall publish limits max=100 --persistent --register-id limits',
        'rollcall unpublish REGISTER_ID',
      ),
    )
    .action(
      tasks.of((run: Run, dataId: string, data: string[], options: Options) => publish(run, dataId, data, options)),
    );
  parent
    .command('unpublish')
    .description(
      'Removes what was registered over HTTP, by the REGISTER ID that it was answered with or that get shows.',
    )
    .argument('<registerId...>')
    .addHelpText('after', examples('rollcall unpublish REGISTER_ID'))
    .action(tasks.of((run: Run, registerIds: string[]) => unpublish(run, registerIds)));
};

async function publish(run: Run, dataId: string, data: readonly string[], options: Options): Promise<void> {
  const { persistent, temporary, keep, lease, registerId, zone, app, trace } = options;
  if ([persistent, temporary, keep].filter(Boolean).length > 1)
    throw new WrongUsage('Of --persistent, --temporary and --keep only one can be had.');
  const session = await run.cluster.session();
  const body = {
    ...{ dataId, data, ...nameFields(options) },
    // Drawn here, so that what is asked again because no answer came is still one registration.
    ...(temporary ? {} : { registerId: registerId ?? randomUUID() }),
    ...(zone === undefined ? {} : { zone }),
    ...(app === undefined ? {} : { appName: app }),
    ...(persistent || temporary ? { [persistent ? 'persistent' : 'temporary']: true } : { leaseMs: lease }),
    ...(trace ? { trace } : {}),
  };
  const published = temporary
    ? await session.once<Published>('POST', '/v1/publishers', body)
    : await session.change<Published>('POST', '/v1/publishers', body);
  run.print(published, () => [lineOf(published), ...(published.traceId ? [`trace ${published.traceId}`] : [])]);
  if (keep) await keepAlive(run, session, published);
}

function lineOf({ dataInfoId, registerId, version, leaseMs, persistent, state }: Published): string {
  const until = persistent ? 'until it is removed' : `for ${duration(leaseMs ?? 0)}`;
  if (state === 'announced') return `${dataInfoId}: told to whoever watches now`;
  return `${registerId}  ${state} at version ${version ?? '?'}, ${until}`;
}

/** Renews at a third of the lease, so that one renewal may fail. Ends with Ctrl-C. */
async function keepAlive(run: Run, session: Api, { registerId, leaseMs = 0 }: Published): Promise<void> {
  const path = `/v1/publishers/${encodeURIComponent(registerId)}`;
  for (;;) {
    run.progress.tell(`kept; Ctrl-C removes it`);
    await setTimeout(leaseMs / 3, undefined, { signal: run.signal }).catch(() => undefined);
    if (run.signal.aborted) break;
    await session.change('PUT', `${path}/lease`);
  }
  run.progress.end();
  await session.unsignalled().once('DELETE', path);
}

async function unpublish(run: Run, registerIds: readonly string[]): Promise<void> {
  const session = await run.cluster.session();
  for (const registerId of registerIds)
    await session.change('DELETE', `/v1/publishers/${encodeURIComponent(registerId)}`);
  run.print({ removed: registerIds }, () => registerIds.map((registerId) => `${registerId}  removed`));
}
