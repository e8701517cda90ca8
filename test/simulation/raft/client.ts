import type { Random } from '#model';
import type { Group } from './group.js';
import type { Operation } from './linearizability.js';
import type { SimNode } from './node.js';

const KEYS = ['x', 'y', 'z'];
const THINK_MS = 60;
const MAX_ATTEMPTS = 8;

/**
 * One call at a time. A call that nobody answers goes to another node, a proposal with the sequence it had; after some
 * attempts the client gives up and goes on under a new name, since it cannot know what became of its last proposal.
 */
export class SimClient {
  private readonly random: Random;
  private stopped = false;
  private lives = 0;
  private sequence = 0;
  /** How often it goes back to where it was answered, or sent to, last. */
  private loyalty: number;
  private favourite: SimNode | undefined;
  /** Until then it reads, and asks nobody but this node. */
  private devotion: { node: SimNode; untilMs: number } | undefined;

  constructor(
    private readonly group: Group,
    private readonly name: string,
  ) {
    this.random = group.fork();
    this.loyalty = 0.3 + this.random() * 0.65;
    this.think();
  }

  stop(): void {
    this.stopped = true;
  }

  /** Goes on, and from now on always to where it is sent: with nothing wrong it must be answered. */
  resume(): void {
    this.stopped = false;
    this.devotion = undefined;
    this.loyalty = 1;
  }

  /** As one that sits on the same side of a bad network as the node. */
  devote(node: SimNode, untilMs: number): void {
    this.devotion = { node, untilMs };
  }

  private get devoted(): SimNode | undefined {
    return this.devotion && this.group.nowMs < this.devotion.untilMs ? this.devotion.node : undefined;
  }

  private get id(): string {
    return `${this.name}.${this.lives}`;
  }

  private think(): void {
    this.group.clock.at(this.group.nowMs + this.random() * THINK_MS, () => {
      if (this.stopped) this.think();
      else if (this.random() < 0.6 && !this.devoted) this.append();
      else this.read();
    });
  }

  private append(): void {
    const sequence = ++this.sequence;
    const value = `${this.id}:${sequence}`;
    const command = { client: this.id, sequence, key: this.one(KEYS), value };
    const operation = this.begin(command.key, { type: 'append', value });
    this.attempt(
      MAX_ATTEMPTS,
      (node, answer) => node.propose(command, answer),
      (length: number) => this.end(operation, { length }),
      () => {
        this.lives++;
        this.sequence = 0;
      },
    );
  }

  private read(): void {
    const key = this.one(KEYS);
    const operation = this.begin(key, { type: 'read' });
    this.attempt(
      MAX_ATTEMPTS,
      (node, answer) =>
        node.read(key, (found) => {
          if (!found.ok) this.group.exercised.count('reads refused');
          answer(found);
        }),
      (list: readonly string[]) => {
        this.group.exercised.count('reads');
        this.end(operation, { list });
      },
      () => {},
    );
  }

  private begin(key: string, call: Operation['call']): Operation {
    const operation: Operation = {
      ...{ client: this.id, key, call, invokedAt: this.group.moment(), returnedAt: Infinity },
    };
    this.group.history.push(operation);
    this.group.observe((each) => each.invoked?.(operation));
    return operation;
  }

  private end(operation: Operation, result: NonNullable<Operation['result']>): void {
    operation.returnedAt = this.group.moment();
    operation.result = result;
    if (operation.call.type === 'append') this.group.exercised.count('appends acknowledged');
    this.group.observe((each) => each.answered?.(operation));
  }

  private attempt<T>(
    attemptsLeft: number,
    ask: (
      node: SimNode,
      answer: (answer: { ok: true; value: T } | { ok: false; failure: { code: string } }) => void,
    ) => void,
    done: (value: T) => void,
    givenUp: () => void,
  ): void {
    const { group } = this;
    const node = this.choose();
    let over = false;
    const again = (): void => {
      if (attemptsLeft > 1) {
        group.exercised.count('retries');
        this.attempt(attemptsLeft - 1, ask, done, givenUp);
        return;
      }
      group.exercised.count('operations given up');
      givenUp();
      this.think();
    };
    const once = (run: () => void): void => {
      if (over) return;
      over = true;
      cancelTimeout();
      run();
    };
    const cancelTimeout = group.clock.at(group.nowMs + 100 + this.random() * 600, () =>
      once(() => {
        this.favourite = undefined;
        again();
      }),
    );
    this.travel(() =>
      ask(node, (answer) =>
        this.travel(() =>
          once(() => {
            if (answer.ok) {
              this.favourite = node;
              done(answer.value);
              this.think();
              return;
            }
            if (answer.failure.code === 'NOT_LEADER') this.favourite = group.node(node.status.leader ?? '');
            group.clock.at(group.nowMs + 10 + this.random() * 60, again);
          }),
        ),
      ),
    );
  }

  /** Requests and answers are lost as messages of the group are, but no cut keeps a client from any node. */
  private travel(arrived: () => void): void {
    const { clock, network, nowMs } = this.group;
    if (this.random() < network.weather.lossChance) return;
    clock.at(nowMs + network.latencyMs(), arrived);
  }

  private choose(): SimNode {
    if (this.devoted) return this.devoted;
    if (this.favourite && !this.favourite.dead && this.random() < this.loyalty) return this.favourite;
    const { living, nodes } = this.group;
    return this.one(living.length > 0 ? living : nodes);
  }

  private one<T>(from: readonly T[]): T {
    return from[Math.floor(this.random() * from.length)]!;
  }
}
