/**
 * What happened, for people (the last lines of each node) and for the proof that a seed replays exactly (a hash over
 * everything ever recorded).
 */
export class Transcript {
  private readonly lines = new Map<string, string[]>();
  private low = 0x811c9dc5;
  private high = 0x9747b28c;
  recorded = 0;
  /** Sees each line as it is written. */
  onLine: ((line: string) => void) | undefined;

  constructor(
    private readonly nowMs: () => number,
    private readonly linesPerNode = 400,
  ) {}

  /** For people, and for the hash. */
  note(node: string, text: string): void {
    const line = `${this.nowMs().toFixed(3)} ${node} ${text}`;
    this.digest(line);
    this.onLine?.(line);
    let lines = this.lines.get(node);
    if (!lines) this.lines.set(node, (lines = []));
    lines.push(line);
    if (lines.length > 2 * this.linesPerNode) lines.splice(0, lines.length - this.linesPerNode);
  }

  /** For the hash only: too frequent for people. */
  trace(node: string, text: string): void {
    this.digest(`${this.nowMs()} ${node} ${text}`);
  }

  /** The last lines, of one node or of all of them in order of time. */
  tail(count = 60, node?: string): string {
    const all = node ? [...(this.lines.get(node) ?? [])] : [...this.lines.values()].flat();
    if (!node) all.sort((a, b) => Number.parseFloat(a) - Number.parseFloat(b));
    return all.slice(-count).join('\n');
  }

  hash(): string {
    return hex(this.high) + hex(this.low);
  }

  /** FNV-1a in two lanes with different offsets and primes. */
  private digest(text: string): void {
    this.recorded++;
    let low = this.low;
    let high = this.high;
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      low = Math.imul(low ^ unit, 0x01000193);
      high = Math.imul(high ^ unit, 0x5bd1e995);
      high ^= high >>> 15;
    }
    this.low = low;
    this.high = high;
  }
}

function hex(value: number): string {
  return (value >>> 0).toString(16).padStart(8, '0');
}
