import { RegistryError } from '#model';

/** What LevelDB and the file system say, as what a person can do about it. */
export function storeError(error: unknown, location: string): RegistryError {
  if (error instanceof RegistryError) return error;
  const causes = causesOf(error);
  const codes = causes.map(({ code }) => code);
  const options = { cause: error, details: { location } };
  if (codes.includes('LEVEL_LOCKED')) {
    const message = `The folder ${location} is in use by another process. Stop that one, or configure another folder.`;
    return new RegistryError('STORE_LOCKED', message, options);
  }
  const reason = String(causes.at(-1)?.message ?? error);
  if (codes.includes('LEVEL_CORRUPTION')) {
    const message = `The folder ${location} is damaged: ${reason}. Restore it from a backup, or move it away to start without it.`;
    return new RegistryError('STORE_CORRUPT', message, { cause: error, details: { location, reason } });
  }
  const message = `The folder ${location} cannot be read or written: ${reason}. Check its permissions and the free space, or configure another folder.`;
  return new RegistryError('STORE_FAILED', message, options);
}

/** abstract-level wraps what LevelDB said in errors of its own. */
function causesOf(error: unknown): { code?: unknown; message?: unknown }[] {
  const causes = [];
  let cause = error;
  // Native code makes errors of its own realm, which need not be instances of this one's Error.
  while (typeof cause === 'object' && cause !== null && causes.length < 5) {
    causes.push(cause);
    cause = (cause as { cause?: unknown }).cause;
  }
  return causes;
}
