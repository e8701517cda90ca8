import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { documentedMetrics } from './support/metrics.js';

interface Rule {
  alert: string;
  expr: string;
  labels: { severity: string };
  annotations: { summary: string; description: string; runbook_url: string };
}

interface RuleTest {
  alertname: string;
  exp_alerts: object[];
}

const at = (path: string): string => fileURLToPath(new URL(`../${path}`, import.meta.url));
const read = (path: string): string => readFileSync(at(path), 'utf8');
const rules = (parse(read('deploy/prometheus/alerts.yml')) as { groups: { rules: Rule[] }[] }).groups.flatMap(
  (group) => group.rules,
);
const tests = (
  parse(read('deploy/prometheus/alerts.test.yml')) as { tests: { alert_rule_test: RuleTest[] }[] }
).tests.flatMap(({ alert_rule_test }) => alert_rule_test);
const panels = (JSON.parse(read('deploy/grafana/rollcall.json')) as { panels: { targets?: { expr: string }[] }[] })
  .panels;
const expressions = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));

/** Names of metrics in an expression; a histogram is told by its series. */
function metricsUsed(expression: string): string[] {
  const names = expression.match(/\b(?:rollcall|process|nodejs)_\w+/g) ?? [];
  return names.map((name) => name.replace(/_(bucket|count|sum)$/, ''));
}

describe('alerts and dashboard', () => {
  const known = new Set(documentedMetrics().map(({ name }) => name));

  it.each([...rules.map(({ expr }) => expr), ...expressions])('use metrics that there are: %s', (expression) => {
    const used = metricsUsed(expression);
    expect(used).not.toEqual([]);
    expect(used.filter((name) => !known.has(name))).toEqual([]);
  });

  it('has for each alert what it means and what to do, and nothing for alerts that are none', () => {
    const explained = [...read('docs/alerts.md').matchAll(/^### (\w+)\n\n(\S.{40,})/gm)].map(([, name]) => name);
    expect(explained.toSorted()).toEqual(rules.map(({ alert }) => alert).toSorted());
    for (const { alert, labels, annotations } of rules) {
      expect(annotations.runbook_url).toBe(
        `{{ or $externalLabels.rollcall_docs "docs" }}/alerts.md#${alert.toLowerCase()}`,
      );
      expect([annotations.summary, annotations.description, labels.severity]).toEqual([
        expect.stringMatching(/\S.*\.$/),
        expect.stringMatching(/\S.*\.$/),
        expect.stringMatching(/^(critical|warning|info)$/),
      ]);
    }
  });

  it('has for each alert a test that it fires, and one that it does not', () => {
    const named = (fires: boolean): string[] => [
      ...new Set(tests.filter(({ exp_alerts }) => exp_alerts.length > 0 === fires).map(({ alertname }) => alertname)),
    ];
    const all = rules.map(({ alert }) => alert).toSorted();
    expect(named(true).toSorted()).toEqual(all);
    expect(named(false).toSorted()).toEqual(all);
  });
});

const version = spawnSync('promtool', ['--version'], { encoding: 'utf8' });
const isInstalled = version.error === undefined;
const isRequired = process.env.REQUIRE_PROMTOOL === '1';
const why = isInstalled || isRequired ? '' : ' (skipped: promtool is not installed; it is in the package prometheus)';

(isInstalled || isRequired ? describe : describe.skip)(`promtool${why}`, () => {
  it.each([
    ['check', 'alerts.yml'],
    ['test', 'alerts.test.yml'],
  ])('finds nothing wrong: %s rules %s', (command, file) => {
    const { status, stdout, stderr, error } = spawnSync('promtool', [command, 'rules', file], {
      cwd: at('deploy/prometheus'),
      encoding: 'utf8',
    });
    expect([error, status, status === 0 ? '' : `${stdout}${stderr}`]).toEqual([undefined, 0, '']);
  });
});
