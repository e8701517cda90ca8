import { readFileSync } from 'node:fs';
import { EVENT_GROUPS, EVENTS, type LogEvent } from '#model';
import { runbookMarkdown } from './runbook-markdown.js';

describe('docs/runbook.md', () => {
  it('is what `npm run docs` writes', () => {
    expect(readFileSync('docs/runbook.md', 'utf8')).toBe(runbookMarkdown());
  });

  it('has every event once', () => {
    const named = Object.values(EVENT_GROUPS).flatMap((group) => Object.keys(group));
    expect(named.toSorted()).toEqual(Object.keys(EVENTS).toSorted());
    for (const name of named)
      expect(
        runbookMarkdown().split(`\n### \`${name}\`\n`).length + runbookMarkdown().split(`\n- \`${name}\`: `).length,
      ).toBe(3);
  });

  it.each(Object.entries<LogEvent>(EVENTS))('says what it means in sentences: %s', (name, event) => {
    expect(name).toMatch(/^[a-z]+(-[a-z]+)*$/);
    expect(event.means).toMatch(/^\S.{15,}[.]$/);
    if (event.level === 'info') return;
    expect(event.act).toMatch(/^\S.{10,}[.]$/);
  });
});
