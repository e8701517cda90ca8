import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { ClassicLevel } from 'classic-level';
import { RegistryError, type RoutingTable } from '#model';
import { storeError } from './failures.js';
import { makeFolder, readFileIfAny, replaceFile } from './files.js';

/** Raised when what is saved changes its form; another form is not read. */
const TABLE_FORMAT = 1;

interface Waiting {
  table: RoutingTable;
  saved: Promise<void>;
}

/**
 * What a data or session server keeps: the last table it saw and how often it was started. For one process at a time:
 * LevelDB's lock on a subfolder is the folder's, since the kernel releases it however the process ends.
 */
export class ServerFolder {
  /** What was found damaged and done without. */
  readonly warnings: string[] = [];
  private writing: Promise<void> = Promise.resolve();
  private waiting: Waiting | undefined;
  private closing: Promise<void> | undefined;

  private constructor(
    private readonly path: string,
    private readonly lock: ClassicLevel,
  ) {}

  /** @throws RegistryError STORE_LOCKED, STORE_FAILED */
  static async open(path: string): Promise<ServerFolder> {
    try {
      await makeFolder(path);
      const lock = new ClassicLevel(join(path, 'lock'));
      await lock.open();
      return new ServerFolder(path, lock);
    } catch (error) {
      throw storeError(error, path);
    }
  }

  /** The last table saved. A damaged one is as good as none: meta has it. It leaves a line in `warnings`. */
  async loadTable(): Promise<RoutingTable | undefined> {
    const content = await this.attempt(() => readFileIfAny(this.tableFile));
    if (content === undefined) return undefined;
    const table = decodeTable(content);
    if (!table)
      this.warnings.push(`The table saved in ${this.tableFile} is damaged or of another version; it is ignored.`);
    return table;
  }

  /** Resolves once this table, or one given later, is on disk. Tables given while one is written replace each other. */
  saveTable(table: RoutingTable): Promise<void> {
    if (this.waiting) {
      this.waiting.table = table;
      return this.waiting.saved;
    }
    const waiting: Waiting = {
      table,
      saved: this.inOrder(() => {
        this.waiting = undefined;
        return replaceFile(this.tableFile, encodeTable(waiting.table));
      }),
    };
    if (!this.closing) this.waiting = waiting;
    return waiting.saved;
  }

  /**
   * Counts starts, from 1: the answer is on disk before it is given, and never given again.
   * @throws RegistryError STORE_CORRUPT, since a number given twice could let old and new versions meet
   */
  nextRun(): Promise<number> {
    return this.inOrder(async () => {
      const content = await readFileIfAny(this.runFile);
      const last = content === undefined ? 0 : decodeRun(content);
      if (last === undefined) {
        const message = `The file ${this.runFile} is damaged. Write into it a number higher than any earlier run, or move ${this.path} away.`;
        throw new RegistryError('STORE_CORRUPT', message, { details: { location: this.runFile } });
      }
      await replaceFile(this.runFile, encodeRun(last + 1));
      return last + 1;
    });
  }

  /** Finishes what was asked for, and lets the next process in. */
  close(): Promise<void> {
    this.closing ??= this.writing.then(() => this.lock.close());
    return this.closing;
  }

  private get tableFile(): string {
    return join(this.path, 'table.json');
  }

  private get runFile(): string {
    return join(this.path, 'run');
  }

  private inOrder<T>(work: () => Promise<T>): Promise<T> {
    if (this.closing) return Promise.reject(new RegistryError('SHUTTING_DOWN', `The folder ${this.path} is closed.`));
    const done = this.writing.then(() => this.attempt(work));
    this.writing = done.then(
      () => {},
      () => {},
    );
    return done;
  }

  private async attempt<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw storeError(error, this.path);
    }
  }
}

/** One line of header, so that the table itself stays as it was checked. */
function encodeTable(table: RoutingTable): string {
  const json = JSON.stringify(table);
  return `${JSON.stringify({ format: TABLE_FORMAT, checksum: crc32(json) })}\n${json}\n`;
}

function decodeTable(content: string): RoutingTable | undefined {
  const [header, json] = content.split('\n');
  if (!header || !json) return undefined;
  try {
    const { format, checksum } = JSON.parse(header) as { format?: unknown; checksum?: unknown };
    return format === TABLE_FORMAT && checksum === crc32(json) ? (JSON.parse(json) as RoutingTable) : undefined;
  } catch {
    return undefined;
  }
}

function encodeRun(run: number): string {
  return `${run} ${crc32(String(run))}\n`;
}

/** A number without checksum was written by a person. */
function decodeRun(content: string): number | undefined {
  const [, run, checksum] = /^(\d{1,15})(?: (\d+))?\n?$/.exec(content) ?? [];
  if (run === undefined || (checksum !== undefined && Number(checksum) !== crc32(run))) return undefined;
  return Number(run);
}
