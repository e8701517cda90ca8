import { crc32 } from 'node:zlib';
import { readFileIfAny, replaceFile } from './files.js';

/** Runs one piece of work after the other. */
export type InOrder = <T>(work: () => Promise<T>) => Promise<T>;

/** A value in a file of its own, which is replaced as a whole. Good enough for what somebody else can tell again. */
export class SavedFile<T> {
  private waiting: { value: T; saved: Promise<void> } | undefined;

  /** @param format raised when what is saved changes its form; another form is not read */
  constructor(
    private readonly path: string,
    private readonly format: number,
    private readonly inOrder: InOrder,
  ) {}

  /** The value saved last; `damaged` where there is one that cannot be read. */
  async load(): Promise<T | 'damaged' | undefined> {
    const content = await readFileIfAny(this.path);
    return content === undefined ? undefined : (this.decode(content) ?? 'damaged');
  }

  /** Resolves once this value, or one given later, is on disk. Values given while one is written replace each other. */
  save(value: T): Promise<void> {
    if (this.waiting) {
      this.waiting.value = value;
      return this.waiting.saved;
    }
    const waiting = { value, saved: Promise.resolve() };
    const begun = (): void => {
      if (this.waiting === waiting) this.waiting = undefined;
    };
    waiting.saved = this.inOrder(() => {
      begun();
      return replaceFile(this.path, this.encode(waiting.value));
    });
    this.waiting = waiting;
    // Where no more work is taken, it is refused before it begins.
    waiting.saved.catch(begun);
    return waiting.saved;
  }

  /** One line of header, so that the value itself stays as it was checked. */
  private encode(value: T): string {
    const json = JSON.stringify(value);
    return `${JSON.stringify({ format: this.format, checksum: crc32(json) })}\n${json}\n`;
  }

  private decode(content: string): T | undefined {
    const [header, json] = content.split('\n');
    if (!header || !json) return undefined;
    try {
      const { format, checksum } = JSON.parse(header) as { format?: unknown; checksum?: unknown };
      return format === this.format && checksum === crc32(json) ? (JSON.parse(json) as T) : undefined;
    } catch {
      return undefined;
    }
  }
}
