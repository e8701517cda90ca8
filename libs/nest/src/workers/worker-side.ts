import type { ServerProcess } from '../process/run-server.js';
import type { FromWorker, ToWorker } from './messages.js';
import { type Answering, type Asked, NoSiblings, type Siblings } from './siblings.js';

/** The parts of `process` that a worker uses. */
export interface WorkerChannel {
  send?(message: FromWorker): void;
  on(event: string, listener: (message: ToWorker) => void): unknown;
  exit(code: number): void;
  stderr: { write(text: string): unknown };
}

/** Longer than the other end waits for answers. */
const ANSWERS_WITHIN_MS = 2_000;
const NOTHING = (): void => {};

/**
 * A worker's end of the channel to the process that started it. That one decides when to stop: a terminal's Ctrl-C, and the
 * SIGTERM of a supervisor, may reach workers too, which must not begin before they know who else stops. Where it is gone,
 * so is the port that they share, and Node ends them at once.
 */
export class WorkerSide implements Siblings {
  /** Addresses of the others, known when they are to stop together. */
  leaving: readonly string[] = [];
  /** What `runServer` takes for its process. */
  readonly process: ServerProcess;
  private readonly self = new NoSiblings();
  private readonly meaningOne = new WeakSet<object>();
  private readonly asked = new Map<number, (answers: unknown[]) => void>();
  private readonly stopListeners = new Set<() => void>();
  private lastId = 0;

  constructor(private readonly channel: WorkerChannel) {
    for (const signal of ['SIGINT', 'SIGTERM']) channel.on(signal, NOTHING);
    channel.on('message', (message) => this.received(message));
    this.process = {
      on: (signal, listener) => signal === 'SIGTERM' && this.stopListeners.add(listener),
      off: (_, listener) => this.stopListeners.delete(listener),
      exit: (code) => channel.exit(code),
      stderr: channel.stderr,
    };
  }

  serving(address: string): void {
    this.send({ type: 'serving', address });
  }

  ask(about: string, { socket }: Asked): Promise<unknown[]> {
    if (this.meaningOne.has(socket)) return this.self.ask(about);
    const id = ++this.lastId;
    return new Promise((resolve) => {
      const settle = (answers: unknown[]): void => {
        clearTimeout(timer);
        this.asked.delete(id);
        resolve(answers);
      };
      const timer = setTimeout(() => settle([]), ANSWERS_WITHIN_MS);
      this.asked.set(id, settle);
      this.send({ type: 'ask', id, about });
    });
  }

  answer(about: string, answering: Answering): void {
    this.self.answer(about, answering);
  }

  meansOne(socket: object): void {
    this.meaningOne.add(socket);
  }

  private received(message: ToWorker): void {
    switch (message.type) {
      case 'stop':
        this.leaving = message.siblings;
        for (const listener of this.stopListeners) listener();
        return;
      case 'answers':
        return this.asked.get(message.id)?.(message.answers);
      case 'question':
        void this.reply(message);
    }
  }

  /** Who cannot answer is left out. */
  private async reply({ id, about, siblings }: ToWorker & { type: 'question' }): Promise<void> {
    try {
      const answer = await this.self.answerTo(about, siblings);
      if (answer === undefined) this.send({ type: 'answer', id, failure: `Nobody answers to ${about} here.` });
      else this.send({ type: 'answer', id, answer });
    } catch (error) {
      this.send({ type: 'answer', id, failure: String(error) });
    }
  }

  private send(message: FromWorker): void {
    try {
      this.channel.send?.(message);
    } catch {
      // Nobody is left to hear it, and this process is about to end.
    }
  }
}
