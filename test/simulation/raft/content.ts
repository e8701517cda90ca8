import type { Entry } from '#consensus';

const decoder = new TextDecoder();
const contents = new WeakMap<Entry, string>();

/** What an entry says besides its index and term. Entries are never changed, so it is worked out once for each. */
export function contentOf(entry: Entry): string {
  let content = contents.get(entry);
  if (content === undefined) {
    content = entry.kind;
    if (entry.kind === 'command') content += decoder.decode(entry.payload);
    if (entry.kind === 'configuration') content += JSON.stringify(entry.configuration);
    contents.set(entry, content);
  }
  return content;
}
