import { readdir, rmdir, stat, unlink } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { isPlainObject } from '#model';
import type { KeptServers, KeptView } from '#registry';
import { NEXT, fileNameOf, hashOf, makeFolder, readFileUpTo, replaceFile } from './files.js';
import { FolderLock } from './lock.js';
import { decodeRecord, encodeRecord } from './record.js';

export interface SnapshotOptions {
  /** The folder for all clients of this machine; each client name has a folder of its own in it. */
  folder: string;
  /** All files of one client and cluster together; of more, those not written for longest go. Default 64 MiB. */
  maxBytes?: number;
}

/**
 * What is wrong with the snapshot. `damaged`: a file was ignored, and will be replaced. `locked`: another process writes
 * into the folder; this one reads only. `full`: a view is not kept. `failed`: the disk refused.
 */
export interface SnapshotProblem {
  type: 'damaged' | 'locked' | 'full' | 'failed';
  path: string;
  message: string;
}

interface Host {
  name: string;
  token: string;
  wallMs(): number;
  report(problem: SnapshotProblem): void;
}

const DEFAULT_MAX_BYTES = 64 * 1024 * 1024;
const MAX_VIEW_BYTES = 8 * 1024 * 1024;
const MAX_FILES = 20_000;
const SERVERS = 'servers';
const EXTENSION = '.view';
const UNFINISHED = `${EXTENSION}${NEXT}`;

/**
 * What a client last knew, on disk: `<folder>/<client name>/servers`, and of each view a file in
 * `<folder>/<client name>/<clusterId>/`. Reading is synchronous, of one small file at a time, so that a subscriber has its
 * list at once; writing goes on in the background, one file after the other. No failure of the disk reaches the
 * application but as a report.
 */
export class SnapshotFolder {
  readonly servers: KeptServers | undefined;
  private readonly path: string;
  private readonly lock: FolderLock;
  private readonly maxBytes: number;
  private work: Promise<void> = Promise.resolve();
  /** The files of one cluster, oldest first; undefined before they were looked at. */
  private files: { clusterId: string; bytes: Map<string, number>; total: number } | undefined;
  private isLocked = false;
  private readonly said = new Set<SnapshotProblem['type']>();

  constructor(
    options: SnapshotOptions,
    private readonly host: Host,
  ) {
    this.path = join(resolve(options.folder), fileNameOf(host.name));
    this.maxBytes = options.maxBytes ?? DEFAULT_MAX_BYTES;
    this.lock = new FolderLock(join(this.path, 'lock'), host.token, host.wallMs);
    this.servers = this.read(join(this.path, SERVERS), isKeptServers);
  }

  /** What is kept of the view in the cluster that served the client last. */
  view(names: Pick<KeptView, 'dataInfoId' | 'scope' | 'zone'>): KeptView | undefined {
    const clusterId = this.servers?.clusterId;
    if (clusterId === undefined) return undefined;
    const kept = this.read(join(this.path, fileNameOf(clusterId), viewFileOf(names)), isKeptView);
    return kept && kept.clusterId === clusterId && keyOf(kept) === keyOf(names) ? kept : undefined;
  }

  /** Resolves when the views are on disk, or are not going to be. */
  keep(views: readonly KeptView[]): Promise<void> {
    return this.inOrder(async () => {
      for (const view of views) await this.writeView(view);
    });
  }

  /** Another cluster is another world: what was kept of the one before goes. */
  keepServers(servers: KeptServers): Promise<void> {
    return this.inOrder(async () => {
      await replaceFile(join(this.path, SERVERS), encodeRecord(servers));
      const keep = fileNameOf(servers.clusterId);
      for (const entry of await readdir(this.path, { withFileTypes: true }))
        if (entry.isDirectory() && entry.name !== keep) await removeViews(join(this.path, entry.name));
    });
  }

  /** After what was to be kept. */
  close(): Promise<void> {
    return this.work.then(() => this.lock.release()).catch(() => undefined);
  }

  private inOrder(run: () => Promise<void>): Promise<void> {
    this.work = this.work.then(async () => {
      try {
        if (await this.mayWrite()) await run();
      } catch (error) {
        this.report('failed', this.path, error instanceof Error ? error.message : String(error));
      }
    });
    return this.work;
  }

  private async mayWrite(): Promise<boolean> {
    await makeFolder(this.path);
    const isMine = await this.lock.acquire();
    if (!isMine) this.report('locked', this.path, 'Another process writes into the folder; this one only reads.');
    // What the other has written meanwhile is not known here.
    if (!isMine || !this.isLocked) this.files = undefined;
    this.isLocked = isMine;
    return isMine;
  }

  private async writeView(view: KeptView): Promise<void> {
    const folder = join(this.path, fileNameOf(view.clusterId));
    const name = viewFileOf(view);
    const bytes = encodeRecord(view);
    const files = await this.filesOf(view.clusterId, folder);
    const others = files.total - (files.bytes.get(name) ?? 0);
    const mostBytes = Math.min(this.maxBytes, MAX_VIEW_BYTES);
    if (bytes.length > mostBytes) {
      this.report('full', join(folder, name), `${view.dataInfoId} takes ${bytes.length} bytes; it is not kept.`);
      await this.remove(folder, name);
      return;
    }
    let total = others + bytes.length;
    for (const [oldest, size] of files.bytes) {
      if (total <= this.maxBytes && files.bytes.size < MAX_FILES) break;
      if (oldest === name) continue;
      await this.remove(folder, oldest);
      total -= size;
    }
    await replaceFile(join(folder, name), bytes);
    files.total += bytes.length - (files.bytes.get(name) ?? 0);
    // Behind all others, which were written before.
    files.bytes.delete(name);
    files.bytes.set(name, bytes.length);
  }

  private async remove(folder: string, name: string): Promise<void> {
    await unlink(join(folder, name)).catch(() => undefined);
    const { files } = this;
    if (!files) return;
    files.total -= files.bytes.get(name) ?? 0;
    files.bytes.delete(name);
  }

  private async filesOf(clusterId: string, folder: string): Promise<NonNullable<SnapshotFolder['files']>> {
    if (this.files?.clusterId === clusterId) return this.files;
    await makeFolder(folder);
    const found: { name: string; bytes: number; writtenMs: number }[] = [];
    for (const name of await readdir(folder)) {
      // What was not finished when its process ended is left by nobody else, since only the holder of the lock writes.
      if (name.endsWith(UNFINISHED)) await unlink(join(folder, name)).catch(() => undefined);
      else if (name.endsWith(EXTENSION)) {
        const { size, mtimeMs } = await stat(join(folder, name));
        found.push({ name, bytes: size, writtenMs: mtimeMs });
      }
    }
    found.sort((a, b) => a.writtenMs - b.writtenMs);
    const bytes = new Map(found.map((file) => [file.name, file.bytes]));
    this.files = { clusterId, bytes, total: found.reduce((sum, file) => sum + file.bytes, 0) };
    return this.files;
  }

  private read<T>(path: string, isValid: (value: unknown) => value is T): T | undefined {
    try {
      const bytes = readFileUpTo(path, MAX_VIEW_BYTES);
      if (bytes === undefined) return undefined;
      const value = bytes === 'too-large' ? undefined : decodeRecord(bytes);
      if (isValid(value)) return value;
      const message = 'The file is damaged, or of another version; it is ignored, and will be replaced.';
      this.host.report({ type: 'damaged', path, message });
    } catch (error) {
      this.host.report({ type: 'failed', path, message: error instanceof Error ? error.message : String(error) });
    }
    return undefined;
  }

  /** Once of each kind: what is wrong with a disk is wrong with every file. */
  private report(type: SnapshotProblem['type'], path: string, message: string): void {
    if (this.said.has(type)) return;
    this.said.add(type);
    this.host.report({ type, path, message });
  }
}

/** The views of another cluster. Whatever else is there was put there by somebody else, and stays, with its folder. */
async function removeViews(folder: string): Promise<void> {
  const names = await readdir(folder);
  const ours = names.filter((name) => name.endsWith(EXTENSION) || name.endsWith(UNFINISHED));
  for (const name of ours) await unlink(join(folder, name));
  if (ours.length > 0 && ours.length === names.length) await rmdir(folder);
}

function keyOf({ dataInfoId, scope, zone }: Pick<KeptView, 'dataInfoId' | 'scope' | 'zone'>): string {
  return JSON.stringify([dataInfoId, scope ?? '', zone ?? '']);
}

function viewFileOf(names: Pick<KeptView, 'dataInfoId' | 'scope' | 'zone'>): string {
  return `${hashOf(keyOf(names))}${EXTENSION}`;
}

function isKeptServers(value: unknown): value is KeptServers {
  return isPlainObject(value) && typeof value['clusterId'] === 'string' && Array.isArray(value['sessions']);
}

function isKeptView(value: unknown): value is KeptView {
  return (
    isPlainObject(value) &&
    ['dataInfoId', 'clusterId', 'version'].every((field) => typeof value[field] === 'string') &&
    Array.isArray(value['publishers']) &&
    value['publishers'].every((each: unknown) => isPlainObject(each) && typeof each['registerId'] === 'string')
  );
}
