/** @param siblings the addresses of the others */
export type Answering = (siblings: readonly string[]) => unknown;

/** The part of an HTTP request that tells over which port it came. */
export interface Asked {
  readonly socket: object;
}

/**
 * The workers of a server, seen from one of them. Whoever asks over a port that they share means all of them, since it is
 * chance who takes the request; over a port of its own, a worker speaks for itself.
 */
export interface Siblings {
  /** The answers of those who are meant; of several, who does not answer soon is left out. */
  ask(about: string, asked: Asked): Promise<unknown[]>;
  /** What this one answers. */
  answer(about: string, answering: Answering): void;
  /** A connection came to the port that this one has for itself. */
  meansOne(socket: object): void;
}

/** The one process of a server without workers. */
export class NoSiblings implements Siblings {
  private readonly answering = new Map<string, Answering>();

  async ask(about: string): Promise<unknown[]> {
    return [await this.answerTo(about, [])];
  }

  answer(about: string, answering: Answering): void {
    this.answering.set(about, answering);
  }

  answerTo(about: string, siblings: readonly string[]): unknown {
    return this.answering.get(about)?.(siblings);
  }

  meansOne(): void {}
}
