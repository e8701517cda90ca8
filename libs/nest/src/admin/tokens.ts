import { createHash, timingSafeEqual } from 'node:crypto';
import { open } from 'node:fs/promises';
import { RegistryError } from '#model';
import type { Logger } from '../host/logger.js';

/** What an `Authorization: Bearer` header can carry, and nobody can guess. */
const TOKEN = /^[A-Za-z0-9._~+/-]{16,512}=*$/;
export const TOKEN_RULE =
  'must be a token of 16 to 512 characters out of A-Z a-z 0-9 . _ ~ + / - (such as of openssl rand -hex 32)';

/** So many are valid at a time, at most: a rotation takes two. */
export const TOKENS_MAX = 16;
const FILE_BYTES_MAX = 64 * 1024;
/** Within this time a changed file counts. Whoever asks with wrong tokens cannot have it read more often. */
const REREAD_MS = 1_000;

export interface AdminSettings {
  token?: string | undefined;
  tokenFile?: string | undefined;
}

export function isToken(text: string): boolean {
  return TOKEN.test(text);
}

/**
 * The admin tokens of this server: the one of the settings, and those of a file, a line each, which is read anew. So a
 * token is replaced without a restart: both stand in the file for as long as somebody uses the old one.
 *
 * A file that cannot be read, or holds something else, changes nothing: an operator whose editor has just emptied it is not
 * locked out. Tokens are withdrawn by writing others.
 */
export class AdminTokens {
  private held: readonly string[] = [];
  private readAtMs = -Infinity;
  private reading: Promise<void> | undefined;
  private lastProblem: string | undefined;

  private constructor(
    private readonly settings: AdminSettings,
    private readonly logger: Logger,
    private readonly nowMs: () => number,
  ) {}

  /** @throws RegistryError INVALID_CONFIGURATION when there is no token in the file */
  static async open(
    settings: AdminSettings,
    logger: Logger,
    nowMs: () => number = () => performance.now(),
  ): Promise<AdminTokens> {
    const tokens = new AdminTokens(settings, logger, nowMs);
    const { tokenFile } = settings;
    if (tokenFile === undefined) return tokens;
    const read = await readTokens(tokenFile);
    if ('problem' in read) {
      const message = `admin.tokenFile is ${tokenFile}, which ${read.problem}: it holds a token a line, each of which ${TOKEN_RULE}.`;
      throw new RegistryError('INVALID_CONFIGURATION', message);
    }
    tokens.held = read.tokens;
    tokens.readAtMs = nowMs();
    return tokens;
  }

  /** Without any, whoever reaches the server may do everything: it listens on loopback alone. */
  get areNeeded(): boolean {
    return this.settings.token !== undefined || this.settings.tokenFile !== undefined;
  }

  /** Whether any of these is one of ours. It takes as long whichever it is, and however much of it is right. */
  async accept(shown: readonly string[]): Promise<boolean> {
    const valid = (await this.all()).map(digest);
    let isValid = false;
    for (const one of shown.map(digest)) for (const other of valid) if (timingSafeEqual(one, other)) isValid = true;
    return isValid;
  }

  /** For the servers to which this one hands requests on. */
  async all(): Promise<readonly string[]> {
    const { token } = this.settings;
    await this.refresh();
    return token === undefined ? this.held : [token, ...this.held];
  }

  private refresh(): Promise<void> | undefined {
    const { tokenFile } = this.settings;
    if (tokenFile === undefined) return undefined;
    if (this.nowMs() - this.readAtMs >= REREAD_MS)
      this.reading ??= this.read(tokenFile).finally(() => (this.reading = undefined));
    return this.reading;
  }

  private async read(tokenFile: string): Promise<void> {
    const read = await readTokens(tokenFile);
    this.readAtMs = this.nowMs();
    const problem = 'problem' in read ? read.problem : undefined;
    if (problem !== undefined && problem !== this.lastProblem)
      this.logger.warn('admin-tokens-kept', { tokenFile, problem });
    this.lastProblem = problem;
    if ('problem' in read || read.tokens.join('\n') === this.held.join('\n')) return;
    this.held = read.tokens;
    this.logger.info('admin-tokens-changed', { tokenFile, tokens: read.tokens.length });
  }
}

/** Of the same length whatever the token's is. */
function digest(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

/** The tokens of a file, or what is wrong with it, which never tells what it holds. Lines that begin with # are for people. */
async function readTokens(path: string): Promise<{ tokens: string[] } | { problem: string }> {
  let text: string;
  try {
    text = await readStart(path);
  } catch (error) {
    return { problem: `cannot be read (${(error as NodeJS.ErrnoException).code})` };
  }
  if (text.length > FILE_BYTES_MAX) return { problem: 'is too long' };
  const lines = text.split('\n').map((line) => line.trim());
  const tokens = lines.filter((line) => line !== '' && !line.startsWith('#'));
  if (tokens.length === 0) return { problem: 'holds no token' };
  if (tokens.length > TOKENS_MAX) return { problem: `holds more than ${TOKENS_MAX} tokens` };
  const wrong = lines.findIndex((line) => line !== '' && !line.startsWith('#') && !isToken(line));
  return wrong < 0 ? { tokens } : { problem: `has something else in line ${wrong + 1}` };
}

/** No more than a file of tokens may have, whatever the path leads to. */
async function readStart(path: string): Promise<string> {
  const file = await open(path);
  try {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(FILE_BYTES_MAX + 1));
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await file.close();
  }
}
