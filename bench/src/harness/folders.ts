import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Folder {
  readonly path: string;
  remove(): void;
}

/** A folder that does not outlive this process. */
export async function temporaryFolder(name: string): Promise<Folder> {
  const path = await mkdtemp(join(tmpdir(), `rollcall-bench-${name}-`));
  const remove = (): void => {
    process.off('exit', removeAtExit);
    rmSync(path, { recursive: true, force: true, maxRetries: 3 });
  };
  // Others have something to do at the exit too, such as ending servers, which an exception would keep them from.
  const removeAtExit = (): void => {
    try {
      remove();
    } catch {
      console.error(`${path} could not be removed.`);
    }
  };
  process.once('exit', removeAtExit);
  return { path, remove };
}
