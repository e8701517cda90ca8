import type { RemovalCause } from '#model';

const WORDS: Record<RemovalCause, string> = {
  unpublish: 'It was unpublished: its client, or somebody over HTTP, asked for that.',
  goodbye: 'Its client said goodbye.',
  'grace-expired': 'The connection of its client was lost, and the client did not come back within the grace.',
  unclaimed: 'The session server that had registered it for its client does not hold it any more.',
  'lease-ended': 'Its lease was not renewed in time.',
  operator: 'An operator has switched off its client, or its name.',
};

/** A cause in words. The leader of a slot removes by itself what session servers leave behind. */
export function inWords(cause: RemovalCause, by: string): string {
  if (cause === 'grace-expired' && by === 'leader')
    return 'The session server of its client is gone, and the client did not come to another within the grace.';
  return WORDS[cause];
}
