import { type LoggedGroup, readLog } from '#consensus';
import { RegistryError } from '#model';
import type { MetaResult, MetaState } from '#registry';
import { LevelLogStore, NodeFile, type NodeIdentity } from '#store';
import { META_ENGINE } from '../raft/machine.js';

/** The folder of a meta server that does not run, held by this process until `close`. */
export interface MetaFolder {
  path: string;
  identity: NodeIdentity;
  log: LoggedGroup<MetaState, MetaResult>;
  store: LevelLogStore;
  close(): Promise<void>;
}

/**
 * Everything in it is verified, as when the server starts.
 * @throws RegistryError STORE_LOCKED while the server runs, STORE_CORRUPT, STORE_FAILED, INVALID_CONFIGURATION when it is
 * no folder of a meta server
 */
export async function openFolder(path: string): Promise<MetaFolder> {
  const identity = await new NodeFile(path).load();
  if (!identity) {
    const message = `The folder ${path} is not that of a meta server: it holds no node.json.`;
    throw new RegistryError('INVALID_CONFIGURATION', message);
  }
  const store = new LevelLogStore(path);
  const found = await store.open();
  try {
    const log = readLog(found, META_ENGINE, identity.bootstrap);
    return { path, identity, log, store, close: () => store.close() };
  } catch (error) {
    await store.close();
    throw error;
  }
}
