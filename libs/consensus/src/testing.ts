import { afterEach, beforeEach, describe } from '@jest/globals';
import { logStoreBehaviour } from './testing/log-store-behaviour.js';
import { logStoreFaults } from './testing/log-store-faults.js';
import { type LogStoreFixture, Trial } from './testing/log-store-trial.js';

export type { LogStoreFixture } from './testing/log-store-trial.js';

/** The suite that every {@link LogStore} passes. Defines jest tests. */
export function logStoreContract<Medium>(name: string, fixture: LogStoreFixture<Medium>): void {
  describe(`${name} keeps the contract of a log store`, () => {
    const trial = new Trial(fixture);

    beforeEach(() => trial.begin());
    afterEach(() => trial.end());

    logStoreBehaviour(trial);
    logStoreFaults(trial);
  });
}
