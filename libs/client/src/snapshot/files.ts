import { createHash } from 'node:crypto';
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

const LONGEST_NAME = 80;
/** Follows the name of a file while it is being written. */
export const NEXT = '.next';

/** A name of whatever characters as that of a file or folder; different names stay different. */
export function fileNameOf(name: string): string {
  const encoded = encodeURIComponent(Buffer.from(name).toString()).replaceAll('*', '%2A').replace(/^\./, '%2E');
  return encoded.length > 0 && encoded.length <= LONGEST_NAME ? encoded : `~${hashOf(name)}`;
}

export function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}

/** The content; undefined where there is no such file; `too-large` above `maxBytes`. */
export function readFileUpTo(path: string, maxBytes: number): Buffer | 'too-large' | undefined {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    return fstatSync(file).size > maxBytes ? 'too-large' : readFileSync(file);
  } finally {
    closeSync(file);
  }
}

/**
 * Whoever reads the file finds what was there before or all of this, however the process ends. It is not synced: what a
 * machine that loses its power leaves half written fails its checksum, and is then as good as not there.
 */
export async function replaceFile(path: string, bytes: Uint8Array): Promise<void> {
  const next = `${path}${NEXT}`;
  try {
    await writeFile(next, bytes);
    await rename(next, path);
  } catch (error) {
    await rm(next, { force: true }).catch(() => undefined);
    throw error;
  }
}

/** Node's own recursive mkdir runs for ever where the parent exists and nothing can be made in it, as in /proc. */
export async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return;
    if (code !== 'ENOENT' || dirname(path) === path) throw error;
    await makeFolder(dirname(path));
    await makeFolder(path);
  }
}
