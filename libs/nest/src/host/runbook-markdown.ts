import { EVENT_GROUPS, type LogEvent, type Trouble } from '#model';

type Group = keyof typeof EVENT_GROUPS;

const TITLES: Record<Group, string> = {
  server: 'Every server',
  member: 'Data and session servers',
  meta: 'Meta servers',
  raft: 'Meta servers, as a group',
  data: 'Data servers',
  session: 'Session servers',
  client: 'The client, in your application',
};

const LEVELS = { error: 'Error: somebody must act.', warn: 'Warning: look soon.' } as const;

/** docs/runbook.md: every event of the table, the troubles with what to do about each, and the facts in a list. */
export function runbookMarkdown(): string {
  return `${[HEAD, ...(Object.keys(EVENT_GROUPS) as Group[]).map(groupMarkdown)].join('\n\n')}\n`;
}

const HEAD = `# Runbook

<!-- Written by \`npm run docs\` from the table of events (libs/model/src/events). -->

What each line of the log means that a server writes, or the client hands to your logger, and what to do about those that are
warnings or errors. [logs.md](logs.md) says how lines look. The code knows no other events than these, so whatever else is at
level \`debug\`, for people who read the code.

Lines tell what happened to one server, once. Whether something is wrong with the cluster now is told by \`rollcall doctor\`, and by
the alerts, which [alerts.md](alerts.md) explains.`;

function groupMarkdown(group: Group): string {
  const events = Object.entries<LogEvent>(EVENT_GROUPS[group]);
  const troubles = events.flatMap(([name, event]) => (isTrouble(event) ? [troubleMarkdown(name, event)] : []));
  const facts = events.flatMap(([name, event]) => (isTrouble(event) ? [] : [`- \`${name}\`: ${event.means}`]));
  const parts = [`## ${TITLES[group]}`, ...troubles];
  return (facts.length === 0 ? parts : [...parts, 'For information only:', facts.join('\n')]).join('\n\n');
}

function troubleMarkdown(name: string, { level, means, act, alert }: Trouble): string {
  const alertLine = alert === undefined ? [] : [`Alert: [${alert}](alerts.md#${alert.toLowerCase()})`];
  return [`### \`${name}\``, LEVELS[level], means, `What to do: ${linked(act)}`, ...alertLine].join('\n\n');
}

/** Pages are named in the table as they are called from the root of the project; the runbook is one of them. */
function linked(text: string): string {
  return text.replaceAll(/docs\/([\w-]+\.md)/g, '[$1]($1)');
}

function isTrouble(event: LogEvent): event is Trouble {
  return event.level !== 'info';
}
