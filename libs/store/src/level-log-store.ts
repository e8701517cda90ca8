import { RecordLogStore } from '#consensus';
import { LevelRecords } from './level-records.js';

/** The log of a consensus node in a folder of its own, for one process at a time. */
export class LevelLogStore extends RecordLogStore {
  constructor(folder: string) {
    super(new LevelRecords(folder));
  }
}
