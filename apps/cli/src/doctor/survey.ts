import { setTimeout } from 'node:timers/promises';
import type { About, ServerRole } from '#model';
import { Refused, Unreachable, reasonOf } from '../failures.js';
import type { Api } from '../servers/api.js';
import { type Cluster, type MetaNode, askOverRpc } from '../servers/cluster.js';
import type { Members, RaftStatus, Rebalance, Slots, VersionedSwitches } from '../servers/answers.js';

/** What one server said, or why there is no word of it. */
export type Asked<T> = { answer: T; reason?: undefined } | { answer?: undefined; reason: string };

export interface Clock {
  /** By how much the server's time of day is ahead of that of this machine, give or take the error. */
  offsetMs: number;
  errorMs: number;
}

/** One server of the cluster, asked at both of its doors. */
export interface ServerSurvey {
  role: ServerRole;
  /** Its RPC address, which is its name. */
  name: string;
  /** As the table has it; a meta server has none there. */
  incarnation?: string;
  rpc: Asked<About>;
  http: Asked<About>;
  clock?: Clock;
  /** Whether it says that it serves; when not, what it waits for. */
  ready: Asked<true>;
  raft?: RaftStatus;
  api?: Api;
}

/** What all servers say within a moment. */
export interface Survey {
  /** Why the state is the word of one meta server, and may be old; undefined where it is that of the leader. */
  stale: string | undefined;
  members: Members;
  slots: Slots;
  rebalance: Rebalance;
  switches: VersionedSwitches;
  /** As the meta server at hand has it. */
  raft: RaftStatus;
  servers: ServerSurvey[];
}

const ASK_MS = 3_000;
/** Of several looks at a clock the quickest is the most exact. */
const CLOCK_LOOKS = 3;
const READY_LOOKS = 4;
const READY_LOOK_EVERY_MS = 500;
const NO_LEADER: ReadonlySet<string> = new Set(['NO_LEADER', 'NOT_READY', 'OUTCOME_UNKNOWN']);

export async function survey(cluster: Cluster): Promise<Survey> {
  const meta = await cluster.meta();
  const { stale, ...state } = await stateOf(meta);
  const { status: raft, nodes } = await cluster.metaNodes();
  const servers = await Promise.all([
    ...nodes.map((node) => metaServer(cluster, node)),
    ...state.members.members.map((member) => {
      const { role, address: name, httpAddress, incarnation } = member;
      return server({ role, name, incarnation, api: cluster.at(httpAddress) });
    }),
  ]);
  return { stale, ...state, raft, servers };
}

type State = Pick<Survey, 'stale' | 'members' | 'slots' | 'rebalance' | 'switches'>;

/** Of the leader; where there is none, of the server that is asked. */
async function stateOf(meta: Api): Promise<State> {
  const read = async (query: Record<string, string>): Promise<Omit<State, 'stale'>> => {
    const [members, slots, rebalance, switches] = await Promise.all([
      meta.get<Members>('/v1/members', query),
      meta.get<Slots>('/v1/slots', query),
      meta.get<Rebalance>('/v1/rebalance', query),
      meta.get<VersionedSwitches>('/v1/switches', query),
    ]);
    return { members, slots, rebalance, switches };
  };
  try {
    return { stale: undefined, ...(await read({})) };
  } catch (error) {
    if (!(error instanceof Refused) || !NO_LEADER.has(error.code)) throw error;
    return { stale: error.message, ...(await read({ consistency: 'stale' })) };
  }
}

async function metaServer(cluster: Cluster, { id, about, unanswered }: MetaNode): Promise<ServerSurvey> {
  if (!about) {
    const reason = unanswered ?? 'no answer came';
    const unknown = { reason: 'where it listens for HTTP is not known, since RPC did not answer' };
    return { role: 'meta', name: id, rpc: { reason }, http: unknown, ready: unknown };
  }
  const api = cluster.at(about.httpAddress);
  const asked = await server({ role: 'meta', name: id, api });
  const raft = await ask(() => api.get<RaftStatus>('/v1/raft/status', {}, ASK_MS));
  return { ...asked, ...(raft.answer ? { raft: raft.answer } : {}) };
}

async function server(
  known: Pick<ServerSurvey, 'role' | 'name' | 'incarnation'> & { api: Api },
): Promise<ServerSurvey> {
  const { name, api } = known;
  const [rpc, told, ready] = await Promise.all([ask(() => askOverRpc(name)), look(api), isReady(api)]);
  return { ...known, rpc, ...told, ready };
}

async function look(api: Api): Promise<Pick<ServerSurvey, 'http' | 'clock'>> {
  let best: { answer: About; clock: Clock } | undefined;
  for (let looks = 0; looks < CLOCK_LOOKS; looks++) {
    const beforeMs = performance.timeOrigin + performance.now();
    const asked = await ask(() => api.get<About>('/version', {}, ASK_MS));
    if (!asked.answer) return { http: asked };
    const errorMs = (performance.timeOrigin + performance.now() - beforeMs) / 2;
    const { answer } = asked;
    if (!best || errorMs < best.clock.errorMs)
      best = { answer, clock: { offsetMs: answer.wallMs - (beforeMs + errorMs), errorMs } };
  }
  return { http: { answer: best!.answer }, clock: best!.clock };
}

/** One that has just lost its meta leader finds the next within moments, and is not taken for one that is not ready. */
async function isReady(api: Api): Promise<Asked<true>> {
  for (let looks = 1; ; looks++) {
    const asked = await ask(async () => {
      await api.get('/health/ready', {}, ASK_MS);
      return true as const;
    });
    if (asked.answer || looks >= READY_LOOKS) return asked;
    await setTimeout(READY_LOOK_EVERY_MS);
  }
}

async function ask<T>(question: () => Promise<T>): Promise<Asked<T>> {
  try {
    return { answer: await question() };
  } catch (error) {
    return {
      reason: error instanceof Unreachable ? error.reason : error instanceof Refused ? error.message : reasonOf(error),
    };
  }
}
