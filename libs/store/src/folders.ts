import { type FileHandle, copyFile, open, readdir, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { RegistryError } from '#model';
import { storeError } from './failures.js';
import { makeFolder, syncFolder } from './files.js';

/** True where there is no folder, or nothing in it. @throws RegistryError STORE_FAILED */
export async function isEmptyFolder(path: string): Promise<boolean> {
  try {
    return (await readdir(path)).length === 0;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return true;
    throw storeError(error, path);
  }
}

/**
 * Copies a folder that nobody writes to, into one that does not exist yet. It is all on disk when this resolves.
 * @throws RegistryError STORE_LOCKED when what is copied changes meanwhile, STORE_FAILED
 */
export async function copyFolder(from: string, to: string): Promise<void> {
  try {
    const before = await contents(from);
    await makeFolder(to);
    for (const { path, isFolder } of before) {
      if (isFolder) await makeFolder(join(to, path));
      else await copyDurably(join(from, path), join(to, path));
    }
    for (const { path, isFolder } of before) if (isFolder) await syncFolder(join(to, path));
    await syncFolder(to);
    if (JSON.stringify(await contents(from)) === JSON.stringify(before)) return;
  } catch (error) {
    throw storeError(error, to);
  }
  const message = `The folder ${from} changed while it was copied: a server uses it. Stop that one first.`;
  throw new RegistryError('STORE_LOCKED', message, { details: { location: from } });
}

interface Content {
  path: string;
  isFolder: boolean;
  size: number;
  modifiedMs: number;
}

/** Folders come before what they hold. */
async function contents(folder: string): Promise<Content[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const listed = await Promise.all(
    entries.map(async (entry) => {
      const path = join(entry.parentPath, entry.name);
      const { size, mtimeMs } = await stat(path);
      const isFolder = entry.isDirectory();
      return { path: relative(folder, path), isFolder, size: isFolder ? 0 : size, modifiedMs: mtimeMs };
    }),
  );
  return listed.toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

async function copyDurably(from: string, to: string): Promise<void> {
  await copyFile(from, to);
  let file: FileHandle | undefined;
  try {
    file = await open(to, 'r+');
    await file.sync();
  } finally {
    await file?.close();
  }
}
