import type { Configuration, Entry, RaftMessage } from '#consensus';
import type { DiskWrite } from './disk.js';
import type { Group } from './group.js';
import { decodeCommand } from './machine.js';
import type { GroupObserver } from './observer.js';

/** Everything that one who looks for a defect wants to read, in the order in which it happens; changes nothing. */
export function tracing(trace: (line: string) => void): (group: Group) => GroupObserver {
  return (group) => {
    const say = (who: string, text: string): void => trace(`${group.nowMs.toFixed(3)} ${who} ${text}`);
    return {
      started: ({ id, disk: { hardState, log } }) =>
        say(id, `starts in term ${hardState.term}, vote ${hardState.vote}, log ${log.baseIndex + 1} to ${log.last}`),
      stepped: ({ id }, event) => {
        if (event.type === 'received') say(id, `< ${event.from} ${said(event.message)}`);
        else if (event.type === 'persisted') say(id, `is told that write ${event.token} is on disk`);
      },
      sent: ({ id }, to, message) => say(id, `> ${to} ${said(message)}`),
      written: ({ id }, write) => say(id, `has on disk ${written(write)}`),
      committed: ({ id }, entry) => say(id, `commits ${described(entry)}`),
      applied: ({ id }, entry, outcome) => say(id, `applies ${described(entry)}: ${outcome.status}`),
      invoked: ({ client, key, call }) =>
        say(client, call.type === 'append' ? `appends ${call.value} to ${key} ...` : `reads ${key} ...`),
      answered: ({ client, key, call, result }) =>
        say(client, `... ${call.type === 'append' ? call.value : 'read'} ${key}: ${JSON.stringify(result)}`),
    };
  };
}

/** `3@2 x`: what stands at index 3, of term 2. */
function described(entry: Entry): string {
  const at = `${entry.index}@${entry.term}`;
  if (entry.kind === 'command') return `${at} ${decodeCommand(entry.payload).value}`;
  return entry.kind === 'noop' ? at : `${at} ${configured(entry.configuration)}`;
}

function configured({ voters, outgoing, learners }: Configuration): string {
  return `[${voters.join()}${outgoing ? `|${outgoing.join()}` : ''}${learners.length > 0 ? `+${learners.join()}` : ''}]`;
}

function said(message: RaftMessage): string {
  const { kind, term, ...rest } = message;
  const fields = Object.entries(rest).map(([name, value]) => {
    if (name === 'entries') return `[${(value as Entry[]).map(described).join(', ')}]`;
    if (value instanceof Uint8Array) return `${value.length} bytes`;
    return `${name} ${JSON.stringify(value)}`;
  });
  return [kind, term, ...fields].join(' ');
}

function written(write: DiskWrite): string {
  if (write.kind !== 'persist') return `${write.kind} of snapshot ${write.meta.index}@${write.meta.term}`;
  const { hardState, truncateFrom, entries = [] } = write;
  return [
    ...(hardState ? [`term ${hardState.term} vote ${hardState.vote}`] : []),
    ...(truncateFrom === undefined ? [] : [`nothing from ${truncateFrom} on`]),
    ...entries.map(described),
  ].join(', ');
}
