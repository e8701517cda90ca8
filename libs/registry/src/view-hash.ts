import type { Publication } from '#model';
import { murmur3 } from '#sharding';
import { hashText } from './content-hash.js';
import type { HashSum } from './hash-sum.js';

export { addHash, formatHash as formatViewHash, isSameHash, parseHash as parseViewHash } from './hash-sum.js';

const words = new Uint8Array(5 * 4);
const view = new DataView(words.buffer);

const SEED_HIGH = 0x6a09e667;
const SEED_LOW = 0x3c6ef372;

/**
 * 64 bits over everything of a publication that subscribers see: names, time of registration, body. The hash of a view is
 * the sum of those of its publications, so that one more or less is one addition. Clients cannot make it, since servers
 * pass bodies on as bytes: they are given it with each publication, and add up what they hold. What is verified so is
 * that somebody holds exactly the publications that a server takes them to hold, in exactly those states.
 *
 * Stamps and owners, which the hash of a replica covers, are left out: nobody sees them.
 */
export function hashSeen({ registerId, zone, appName, registerTimestamp, body }: Publication): HashSum {
  const names = `${registerId}\n${zone}\n${appName}\n${registerTimestamp}`;
  view.setUint32(0, hashText(names, SEED_HIGH));
  view.setUint32(4, hashText(names, SEED_LOW));
  view.setUint32(8, murmur3(body, body.length, SEED_HIGH));
  view.setUint32(12, murmur3(body, body.length, SEED_LOW));
  view.setUint32(16, body.length);
  return {
    high: murmur3(words, words.length, SEED_HIGH) | 0,
    low: murmur3(words, words.length, SEED_LOW) | 0,
  };
}
