import type { Env } from '#model';
import type { Logger } from '../host/logger.js';
import type { FromWorker, ToWorker } from './messages.js';

/** A worker's process, as its pool sees it. */
export interface WorkerProcess {
  readonly pid: number | undefined;
  send(message: ToWorker): void;
  kill(): void;
  onMessage(listener: (message: FromWorker) => void): void;
  /** Called once, whatever ended it. */
  onExit(listener: (how: string) => void): void;
}

export interface WorkerPoolOptions {
  /** How many workers. */
  count: number;
  /** Starts the worker of this number, from 1 on. */
  fork(number: number): WorkerProcess;
  env: Pick<Env, 'nowMs' | 'at'>;
  logger: Logger;
  /** Of answers about these, what stays when the worker has ended; it is put among the answers of the others. */
  remains?: Readonly<Record<string, Remains>>;
}

export type Remains = (earlier: unknown, last: unknown) => unknown;

interface Worker {
  number: number;
  process: WorkerProcess;
  sinceMs: number;
  /** Undefined until it serves. */
  address?: string;
  /** Its latest answers, to questions of which something stays. */
  answers: Map<string, unknown>;
}

interface Question {
  about: string;
  /** Whose answers are still to come. */
  open: Set<Worker>;
  answers: unknown[];
  done(): void;
}

const RESTART_MIN_MS = 200;
const RESTART_MAX_MS = 10_000;
/** A worker that has run this long was a good one: it is restarted at once. */
const STABLE_MS = 10_000;
const ANSWER_WITHIN_MS = 1_000;

/**
 * Keeps so many workers running. One that ends is started anew, after a wait that grows as long as it ends soon; the others
 * go on. One that cannot start in the beginning is a failure to start of the whole.
 */
export class WorkerPool {
  private readonly workers = new Map<number, Worker>();
  private readonly failures = new Map<number, number>();
  private readonly questions = new Map<number, Question>();
  private readonly remains = new Map<string, unknown>();
  private lastQuestion = 0;
  private hasStarted = false;
  private isStopping = false;
  private changed: () => void = () => {};
  private failed: (error: Error) => void = () => {};

  constructor(private readonly options: WorkerPoolOptions) {}

  /** Those that serve. */
  get addresses(): string[] {
    return [...this.workers.values()].flatMap(({ address }) => address ?? []);
  }

  /** Resolves once every worker serves; rejects, with none left, when one ends before. */
  async start(): Promise<void> {
    const started = new Promise<void>((resolve, reject) => {
      this.failed = reject;
      this.changed = () => this.addresses.length === this.options.count && resolve();
    });
    for (let number = 1; number <= this.options.count; number++) this.begin(number);
    try {
      await started;
    } catch (error) {
      this.isStopping = true;
      for (const { process } of this.workers.values()) process.kill();
      throw error;
    }
    this.hasStarted = true;
  }

  /** Asks all to stop, and resolves when they have. */
  async close(): Promise<void> {
    this.isStopping = true;
    const ended = new Promise<void>((resolve) => {
      this.changed = () => this.workers.size === 0 && resolve();
    });
    for (const worker of this.workers.values())
      worker.process.send({ type: 'stop', siblings: this.siblingsOf(worker) });
    this.changed();
    await ended;
  }

  private begin(number: number): void {
    const process = this.options.fork(number);
    const worker: Worker = { number, process, sinceMs: this.options.env.nowMs(), answers: new Map() };
    this.workers.set(number, worker);
    worker.process.onMessage((message) => this.received(worker, message));
    worker.process.onExit((how) => this.ended(worker, how));
  }

  private received(worker: Worker, message: FromWorker): void {
    switch (message.type) {
      case 'serving':
        worker.address = message.address;
        this.options.logger.info('worker-serves', {
          worker: worker.number,
          pid: worker.process.pid,
          address: message.address,
        });
        return this.changed();
      case 'ask':
        return this.ask(worker, message.id, message.about);
      case 'answer':
        return this.answered(worker, message);
    }
  }

  private answered(worker: Worker, { id, answer, failure }: FromWorker & { type: 'answer' }): void {
    const question = this.questions.get(id);
    if (!question?.open.delete(worker)) return;
    const { about } = question;
    if (failure === undefined) {
      question.answers.push(answer);
      if (this.options.remains?.[about]) worker.answers.set(about, answer);
    } else this.options.logger.warn('worker-cannot-answer', { worker: worker.number, about, failure });
    if (question.open.size === 0) question.done();
  }

  private ask(asker: Worker, askedId: number, about: string): void {
    const { env } = this.options;
    const id = ++this.lastQuestion;
    const serving = [...this.workers.values()].filter(({ address }) => address !== undefined);
    const done = (): void => {
      cancel();
      this.questions.delete(id);
      // Whoever is late has counted at least what it told the last time, and totals that fall would mean that it has ended.
      const late = [...question.open].map(({ answers }) => answers.get(about));
      const answers = [...question.answers, ...late, this.remains.get(about)].filter((answer) => answer !== undefined);
      if (this.workers.get(asker.number) === asker) asker.process.send({ type: 'answers', id: askedId, answers });
    };
    const cancel = env.at(env.nowMs() + ANSWER_WITHIN_MS, done);
    const question: Question = { about, open: new Set(serving), answers: [], done };
    this.questions.set(id, question);
    for (const worker of serving)
      worker.process.send({ type: 'question', id, about, siblings: this.siblingsOf(worker) });
  }

  private siblingsOf({ address: own }: Worker): string[] {
    return this.addresses.filter((address) => address !== own);
  }

  private ended(worker: Worker, how: string): void {
    const { number, process, sinceMs } = worker;
    const { env, logger } = this.options;
    this.workers.delete(number);
    for (const [about, last] of worker.answers)
      this.remains.set(about, this.options.remains?.[about]?.(this.remains.get(about), last));
    for (const question of this.questions.values())
      if (question.open.delete(worker) && question.open.size === 0) question.done();
    if (this.isStopping) return this.changed();
    if (!this.hasStarted) return this.failed(new Error(`Worker ${number} ended before it served: ${how}.`));
    const failures = env.nowMs() - sinceMs >= STABLE_MS ? 0 : (this.failures.get(number) ?? 0) + 1;
    this.failures.set(number, failures);
    const waitMs = failures === 0 ? 0 : Math.min(RESTART_MAX_MS, RESTART_MIN_MS * 2 ** Math.min(failures - 1, 30));
    logger.error('worker-ended', { worker: number, pid: process.pid, how, againInMs: waitMs });
    env.at(env.nowMs() + waitMs, () => {
      if (!this.isStopping) this.begin(number);
    });
  }
}
