import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import type { Configuration, NodeId } from '#consensus';
import { RegistryError } from '#model';
import { storeError } from './failures.js';
import { makeFolder, readFileIfAny, replaceFile } from './files.js';

/** Who a node of a Raft group is, and the group it was made with. */
export interface NodeIdentity {
  id: NodeId;
  bootstrap: Configuration;
}

/**
 * Keeps, beside the log in the same folder, what must never change while there is a log: the log itself says who is in
 * the group only once that has changed. Written before the first vote, and never again.
 */
export class NodeFile {
  private readonly path: string;

  constructor(private readonly folder: string) {
    this.path = join(folder, 'node.json');
  }

  /** @throws RegistryError STORE_CORRUPT, STORE_FAILED */
  async load(): Promise<NodeIdentity | undefined> {
    const content = await this.attempt(() => readFileIfAny(this.path));
    if (content === undefined) return undefined;
    const identity = decode(content);
    if (identity) return identity;
    const message =
      `The file ${this.path} is damaged. In a group, replace this server by a new one under another address. If no other ` +
      'server has its log, restore it from a backup. docs/recovery.md has both, step by step.';
    throw new RegistryError('STORE_CORRUPT', message, { details: { location: this.path } });
  }

  async save(identity: NodeIdentity): Promise<void> {
    await this.attempt(async () => {
      await makeFolder(this.folder);
      await replaceFile(this.path, encode(identity));
    });
  }

  private async attempt<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw storeError(error, this.folder);
    }
  }
}

function encode(identity: NodeIdentity): string {
  const checksum = crc32(JSON.stringify(identity));
  return `${JSON.stringify({ ...identity, checksum })}\n`;
}

function decode(content: string): NodeIdentity | undefined {
  try {
    const { checksum, ...identity } = JSON.parse(content) as NodeIdentity & { checksum: unknown };
    return checksum === crc32(JSON.stringify(identity)) ? identity : undefined;
  } catch {
    return undefined;
  }
}
