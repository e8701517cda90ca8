import { type Env, RegistryError, isPlainObject, randomId } from '#model';
import {
  Attempts,
  type Consistency,
  type Planning,
  type StateChange,
  type StateChanged,
  type StateQuery,
  answerQuery,
  readChange,
  readQuery,
  requireChangeable,
  stateChanged,
} from '#registry';
import { type Logger, forRequest, isRequestId, requestBehind } from '#nest';
import { within } from '../deadline.js';
import type { MetaGroup, MetaNode } from '../raft/group.js';
import type { LeaderRoute } from '../raft/leader-route.js';
import { canonicalAddress } from './address.js';

export const STATE_PATTERN = 'meta.state';

/** As it travels from the node that was asked to the leader. `id` is that of the change, also when it is asked again. */
type StateRequest = { query: StateQuery } | { change: StateChange; id: string; forRequest?: string };

/** For how long attempts are made; several elections fit. */
const PATIENCE_MS = 5_000;
/** A leader that has not answered by then may stand still, and another be elected. */
const ATTEMPT_MS = 1_500;
const PAUSE_MS = 50;

/**
 * The replicated state in the hands of operators, on any node. What must be true at the moment of asking, and every
 * change, is the leader's: while it changes, the request is made again.
 */
export class StateAdministration {
  private readonly node: MetaNode;
  private readonly route: LeaderRoute;
  /** Who wait for another leader. */
  private readonly waiting = new Set<() => void>();

  constructor(
    { node, route }: Pick<MetaGroup, 'node' | 'route'>,
    private readonly env: Pick<Env, 'nowMs' | 'random'>,
    private readonly planning: () => Planning,
    private readonly logger: Pick<Logger, 'info'>,
  ) {
    this.node = node;
    this.route = route;
    node.onLeadership(({ leader }) => {
      if (leader !== undefined) for (const wake of this.waiting) wake();
    });
  }

  /** @throws RegistryError NO_LEADER, also for a stale read when the state here is older than asked; as `answerQuery` */
  read(query: StateQuery, consistency: Consistency): Promise<object> {
    if (consistency === 'linearizable') return this.patiently('read', { query });
    return this.readHere(query, consistency.maxAgeMs);
  }

  /**
   * Resolves once it is committed.
   * @param key of the caller, who may repeat with it what got no answer: it is applied once
   * @param requestId of the request that asks for it
   * @throws RegistryError OUTCOME_UNKNOWN, NO_LEADER, VERSION_CONFLICT, CONFIG_TOO_LARGE, NOT_READY
   */
  change(change: StateChange, key?: string, requestId?: string): Promise<StateChanged> {
    const id = key === undefined ? `once-${randomId(this.env.random)}` : `key-${key}`;
    return this.patiently('change', { change, id, ...forRequest(requestId) }) as Promise<StateChanged>;
  }

  /** How many replicas every slot is to have. */
  get replicas(): number {
    return this.planning().replicas;
  }

  /** A request that another node has handed on. It goes no further. */
  async forwarded(input: unknown): Promise<object> {
    const request = readRequest(input);
    const { id, role } = this.node.status();
    if (role !== 'leader') throw new RegistryError('NO_LEADER', `The meta server ${id} does not lead any more.`);
    return this.perform(request);
  }

  /** On this node whatever it is, and at once. An age of null is one that is not known. */
  private async readHere(query: StateQuery, maxAgeMs: number): Promise<object> {
    const { stateAgeMs, leader, term } = this.node.status();
    const answer = await this.node.read(
      (state) => answerQuery(query, state, { leader, term, planning: this.planning() }),
      { maxAgeMs },
    );
    // A leader whose state may be older than asked has made sure that it is not.
    const ageMs = stateAgeMs <= maxAgeMs ? stateAgeMs : 0;
    return { ...answer, ageMs: Number.isFinite(ageMs) ? Math.ceil(ageMs) : null };
  }

  private async patiently(what: 'read' | 'change', request: StateRequest): Promise<object> {
    const attempts = new Attempts(what, this.env.nowMs() + PATIENCE_MS);
    for (;;) {
      try {
        const attempt = this.route.take(STATE_PATTERN, request, ATTEMPT_MS, (here) => this.perform(here));
        return await within(ATTEMPT_MS, attempt, `The leader did not answer within ${ATTEMPT_MS} ms.`);
      } catch (error) {
        if (!(error instanceof RegistryError)) throw error;
        const answer = attempts.failed(this.env.nowMs(), error);
        if (answer) throw answer;
        await this.leaderMayHaveChanged();
      }
    }
  }

  /** At once when another leads, as far as is known here; a planned change of the leader is over in milliseconds. */
  private leaderMayHaveChanged(): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        this.waiting.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, PAUSE_MS);
      this.waiting.add(wake);
    });
  }

  /** On the leader. */
  private async perform(request: StateRequest): Promise<object> {
    const { node } = this;
    if ('query' in request) {
      const { id, term } = node.status();
      const answering = { leader: id, term, planning: this.planning() };
      return node.read((state) => answerQuery(request.query, state, answering), 'linearizable');
    }
    await node.read((state) => requireChangeable(state, request.change), { maxAgeMs: Infinity });
    const { change, id, ...cause } = request;
    const { result } = await node.propose({ client: id, sequence: 1 }, { ...change, ...cause });
    const changed = stateChanged(result);
    this.logger.info('change-made', { ...requestBehind(cause), change: change.type, ...changed });
    return changed;
  }
}

function readRequest(input: unknown): StateRequest {
  const { query, change, id, forRequest: cause } = isPlainObject(input) ? input : {};
  if (query !== undefined) return { query: readQuery(query) };
  if (typeof id !== 'string') throw new RegistryError('BAD_REQUEST', 'A change that is handed on has an id.');
  return { change: readChange(change, { canonicalAddress }), id, ...(isRequestId(cause) ? { forRequest: cause } : {}) };
}
