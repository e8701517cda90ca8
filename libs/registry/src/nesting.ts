import { type Failure, LIMITS, failure } from '#model';

/** In a push, the servers' own fields, by their names alone, take the bytes that allow as many lists and objects more. */
const CONTAINERS_BESIDE = 6;

/**
 * What a client publishes is pushed to others, hundreds of it in a message, and decoders bound how deep a message is nested
 * and how many lists and objects it has for its size. Whoever could have more stored would have everybody's messages
 * refused by those who read them. So what is stored is bounded such that any number of it makes a message that can be read.
 */
export class Nesting {
  private containers = 0;
  private readonly isTooDeep: boolean;

  /** Looks at all lists and objects, level by level, since it may be deeper than the stack, until there are too many. */
  constructor(content: object) {
    let depth = 0;
    for (let level: object[] = [content]; level.length > 0 && depth <= LIMITS.bodyDepth; depth++) {
      this.containers += level.length;
      if (this.containers > LIMITS.bodyBytes) break;
      level = level.flatMap((container) => Object.values(container).filter(isContainer));
    }
    this.isTooDeep = depth > LIMITS.bodyDepth;
  }

  get depthProblem(): Failure | undefined {
    if (!this.isTooDeep) return undefined;
    return failure('DATA_TOO_LARGE', `Lists and objects are nested deeper than ${LIMITS.bodyDepth}.`);
  }

  /** @param bytes that it takes, encoded */
  problemIn(bytes: number): Failure | undefined {
    const most = CONTAINERS_BESIDE + Math.floor(bytes / LIMITS.bytesPerContainer);
    if (this.containers <= most) return undefined;
    const found = `The publication has ${this.containers} lists and objects in ${bytes} bytes`;
    return failure(
      'DATA_TOO_LARGE',
      `${found}; at most ${most} are allowed, one for every ${LIMITS.bytesPerContainer} bytes.`,
    );
  }
}

function isContainer(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !ArrayBuffer.isView(value);
}
