/**
 * What is known of a configuration value. All keys have one count of versions, so that also of a key without a value it
 * can be said as of which version there is none: whatever it had before has a lower one, what it gets a higher.
 */
export interface ConfigState {
  key: string;
  version: number;
  /** Left out where there is none. */
  value?: string;
}
