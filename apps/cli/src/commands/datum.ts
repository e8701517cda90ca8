import type { Command } from 'commander';
import { DEFAULT_GROUP, DEFAULT_INSTANCE_ID } from '#model';
import type { PublisherView } from '#model';
import type { Paint } from '../output/paint.js';
import { table } from '../output/table.js';

export interface NameOptions {
  group?: string;
  instance?: string;
}

export interface ViewOptions extends NameOptions {
  scope?: string;
  zone?: string;
}

/** Options of every command that names a datum. */
export function withName(command: Command): Command {
  return command
    .option('--group <group>', `its group (${DEFAULT_GROUP})`)
    .option('--instance <instanceId>', `its instance, or tenant (${DEFAULT_INSTANCE_ID})`);
}

export function withView(command: Command): Command {
  return withName(command)
    .option('--scope <scope>', 'as a subscriber with this scope sees it: zone, dataCenter or global')
    .option('--zone <zone>', 'as a subscriber in this zone sees it');
}

export function nameFields({ group, instance }: NameOptions): { group?: string; instanceId?: string } {
  return { ...(group === undefined ? {} : { group }), ...(instance === undefined ? {} : { instanceId: instance }) };
}

export function viewFields(options: ViewOptions): Record<string, string> {
  const { scope, zone } = options;
  return {
    ...nameFields(options),
    ...(scope === undefined ? {} : { scope }),
    ...(zone === undefined ? {} : { zone }),
  };
}

export function publisherRows(paint: Paint, publishers: readonly PublisherView[]): string[] {
  const rows = publishers.map(({ data, zone, appName, registerTimestamp, registerId }) => [
    data.join(' '),
    zone,
    appName,
    registerTimestamp > 0 ? new Date(registerTimestamp).toISOString() : '',
    registerId,
  ]);
  return table(paint, ['DATA', 'ZONE', 'APP', 'REGISTERED', 'REGISTER ID'], rows);
}
