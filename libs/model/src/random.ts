/** A source of uniform numbers in [0, 1). Handed to every core at construction, so that one seed replays a run. */
export type Random = () => number;

/**
 * sfc32 by Chris Doty-Humphrey (PractRand): small, fast, passes BigCrush. Not for secrets.
 * @param seed any 32-bit integer
 */
export function seededRandom(seed: number): Random {
  let a = 0x9e3779b9;
  let b = 0x243f6a88;
  let c = seed | 0;
  let counter = 1;
  const next = (): number => {
    const t = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + t;
    c |= 0;
    return (t >>> 0) / 4294967296;
  };
  for (let warmUp = 0; warmUp < 12; warmUp++) next();
  return next;
}

const ID_ALPHABET = '0123456789abcdefghijklmnopqrstuvwxyz';

/** A random lower-case id. 20 characters hold 103 bits, so that incarnations never meet. */
export function randomId(random: Random, length = 20): string {
  let id = '';
  for (let i = 0; i < length; i++) id += ID_ALPHABET[Math.floor(random() * ID_ALPHABET.length)];
  return id;
}

/** A random integer in [0, 2^32), as used for the nonce of a stamp. */
export function randomUint32(random: Random): number {
  return Math.floor(random() * 4294967296);
}
