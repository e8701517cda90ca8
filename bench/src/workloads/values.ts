/** Values say whose they are and which: `publisher:version:`, and whatever makes them as long as they are to be. */
export function valueOf(publisher: number, version: number, bytes: number): string {
  return `${publisher}:${version}:`.padEnd(bytes, 'x');
}

export function readValue(value: string): { publisher: number; version: number } {
  const first = value.indexOf(':');
  const second = value.indexOf(':', first + 1);
  return { publisher: Number(value.slice(0, first)), version: Number(value.slice(first + 1, second)) };
}
