import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { ClassicLevel } from 'classic-level';
import { RegistryError, type RoutingTable, type VersionedSwitches } from '#model';
import { storeError } from './failures.js';
import { makeFolder, readFileIfAny, replaceFile } from './files.js';
import { SavedFile } from './saved-file.js';

/** Of each file. */
const FORMAT = 1;

/**
 * What a data or session server keeps: the last table and the last switches it saw, and how often it was started. For one
 * process at a time: LevelDB's lock on a subfolder is the folder's, since the kernel releases it however the process ends.
 */
export class ServerFolder {
  /** What was found damaged and done without. */
  readonly warnings: string[] = [];
  private writing: Promise<void> = Promise.resolve();
  private readonly table: SavedFile<RoutingTable>;
  private readonly switches: SavedFile<VersionedSwitches>;
  private closing: Promise<void> | undefined;

  private constructor(
    private readonly path: string,
    private readonly lock: ClassicLevel,
  ) {
    this.table = this.file('table.json');
    this.switches = this.file('switches.json');
  }

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
  loadTable(): Promise<RoutingTable | undefined> {
    return this.load('table', this.table);
  }

  loadSwitches(): Promise<VersionedSwitches | undefined> {
    return this.load('switches', this.switches);
  }

  /** Resolves once this table, or one given later, is on disk. */
  saveTable(table: RoutingTable): Promise<void> {
    return this.table.save(table);
  }

  saveSwitches(switches: VersionedSwitches): Promise<void> {
    return this.switches.save(switches);
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

  private get runFile(): string {
    return join(this.path, 'run');
  }

  private file<T>(name: string): SavedFile<T> {
    return new SavedFile<T>(join(this.path, name), FORMAT, (work) => this.inOrder(work));
  }

  private async load<T>(name: string, file: SavedFile<T>): Promise<T | undefined> {
    const value = await this.attempt(() => file.load());
    if (value !== 'damaged') return value;
    const where = join(this.path, `${name}.json`);
    this.warnings.push(`The ${name} saved in ${where} is damaged or of another version; it is ignored.`);
    return undefined;
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

function encodeRun(run: number): string {
  return `${run} ${crc32(String(run))}\n`;
}

/** A number without checksum was written by a person. */
function decodeRun(content: string): number | undefined {
  const [, run, checksum] = /^(\d{1,15})(?: (\d+))?\n?$/.exec(content) ?? [];
  if (run === undefined || (checksum !== undefined && Number(checksum) !== crc32(run))) return undefined;
  return Number(run);
}
