/** More different names than this are not worth remembering. */
const CAPACITY = 10_000;

/** One string object for equal strings: decoders make a new one each time, and zones and app names repeat endlessly. */
export function interner(): (text: string) => string {
  const known = new Map<string, string>();
  return (text) => {
    const same = known.get(text);
    if (same !== undefined) return same;
    if (known.size >= CAPACITY) known.clear();
    known.set(text, text);
    return text;
  };
}
