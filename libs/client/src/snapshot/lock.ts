import { readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { setTimeout } from 'node:timers/promises';

/** A holder that has not written for so long has nothing to write, or is gone: whoever has may go on. */
const ABANDONED_MS = 30_000;

interface Held {
  text: string;
  touchedMs: number;
}

/** For so long whoever else found the same lock abandoned may still take it; then who took it last has it. */
const CONFIRM_MS = 200;

/**
 * Lets one process at a time write into a folder. Files are replaced whole, so that even two at once would damage none; but
 * they would undo each other's work. The lock is taken when there is something to write, and not waited for.
 */
export class FolderLock {
  private readonly text: string;

  constructor(
    private readonly path: string,
    /** Different for every holder, and fit for the name of a file. */
    private readonly token: string,
    private readonly wallMs: () => number,
  ) {
    this.text = JSON.stringify({ pid: process.pid, host: hostname(), token });
  }

  /** Whether this process may write now. */
  async acquire(): Promise<boolean> {
    if (await this.create()) return true;
    const held = await this.read();
    if (held?.text === this.text) {
      await this.touch();
      return true;
    }
    return held !== undefined && this.isAbandoned(held) && this.takeOver();
  }

  async release(): Promise<void> {
    const held = await this.read();
    if (held?.text === this.text) await rm(this.path, { force: true });
  }

  private async create(): Promise<boolean> {
    try {
      await writeFile(this.path, this.text, { flag: 'wx' });
      return true;
    } catch (error) {
      if (isCode(error, 'EEXIST')) return false;
      throw error;
    }
  }

  private touch(): Promise<void> {
    const now = this.wallMs() / 1_000;
    return utimes(this.path, now, now);
  }

  private async takeOver(): Promise<boolean> {
    const own = `${this.path}.${this.token}`;
    await writeFile(own, this.text);
    await rename(own, this.path);
    await setTimeout(CONFIRM_MS);
    return (await this.read())?.text === this.text;
  }

  private async read(): Promise<Held | undefined> {
    try {
      const [text, { mtimeMs }] = await Promise.all([readFile(this.path, 'utf8'), stat(this.path)]);
      return { text, touchedMs: mtimeMs };
    } catch (error) {
      if (isCode(error, 'ENOENT')) return undefined;
      throw error;
    }
  }

  private isAbandoned({ text, touchedMs }: Held): boolean {
    if (Math.abs(this.wallMs() - touchedMs) > ABANDONED_MS) return true;
    const { pid, host } = readHolder(text);
    return host === hostname() && pid !== process.pid && !isRunning(pid);
  }
}

/** An empty one is just being written. */
function readHolder(text: string): { pid: number; host: string } {
  try {
    const { pid, host } = JSON.parse(text) as { pid: unknown; host: unknown };
    return { pid: Number(pid), host: String(host) };
  } catch {
    return { pid: 0, host: '' };
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return !isCode(error, 'ESRCH');
  }
}

function isCode(error: unknown, code: string): boolean {
  return (error as NodeJS.ErrnoException | undefined)?.code === code;
}
