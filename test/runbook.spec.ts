import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { EVENTS, type LogEvent } from '#model';
import { documentedMetrics } from './support/metrics.js';

const ROOT = fileURLToPath(new URL('../', import.meta.url));
const read = (path: string): string => readFileSync(`${ROOT}${path}`, 'utf8');
const OF_THE_TABLE = 'libs/model/src/events/';
const events = Object.entries<LogEvent>(EVENTS);

/** What ships, but for the table itself. */
function source(): string {
  const files = ['libs', 'apps'].flatMap((folder) =>
    readdirSync(`${ROOT}${folder}`, { recursive: true, encoding: 'utf8' }).map((path) => `${folder}/${path}`),
  );
  const shipped = files.filter(
    (path) =>
      /(?<![.](spec|harness|d))[.]ts$/.test(path) && !path.includes('node_modules') && !path.startsWith(OF_THE_TABLE),
  );
  return shipped.map(read).join('\n');
}

describe('the table of events', () => {
  const code = source();
  const metrics = new Set(documentedMetrics().map(({ name }) => name));
  const alerts = new Set([...read('deploy/prometheus/alerts.yml').matchAll(/alert: (\w+)/g)].map(([, name]) => name));

  it.each(events)('has only what somebody logs: %s', (name) => {
    expect(code).toContain(`'${name}'`);
  });

  it.each(events)('names alerts, metrics and pages that there are: %s', (_name, event) => {
    const text = 'act' in event ? `${event.means} ${event.act}` : event.means;
    const named = (pattern: RegExp): string[] => [...text.matchAll(pattern)].map(([all]) => all);
    expect(named(/\b(rollcall|nodejs|process)_\w+/g).filter((name) => !metrics.has(name))).toEqual([]);
    expect(named(/docs\/[\w-]+\.md/g).filter((page) => !existsSync(`${ROOT}${page}`))).toEqual([]);
    const alert = 'alert' in event ? event.alert : undefined;
    expect([undefined, ...alerts]).toContain(alert);
  });

  it('is where docs/alerts.md sends people', () => {
    const links = [...read('docs/alerts.md').matchAll(/runbook\.md#([\w-]+)/g)].map(([, name]) => name!);
    expect(links.length).toBeGreaterThan(3);
    for (const name of links) expect(Object.keys(EVENTS)).toContain(name);
  });
});
