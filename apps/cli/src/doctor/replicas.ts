import { setTimeout } from 'node:timers/promises';
import { counted, duration } from '../output/duration.js';
import { Unreachable } from '../failures.js';
import type { Api } from '../servers/api.js';
import { type Finding, some } from './finding.js';
import type { Survey } from './survey.js';

/** What data servers say of the slots that they hold. */
interface Held {
  slots: {
    slot: number;
    leaderEpoch: number;
    complete: boolean;
    waitingFor: string[];
    hash: string;
    followers: { incarnation: string; streaming: boolean; lagMs: number; agreedAgoMs?: number }[];
  }[];
  following: { slot: number; leaderEpoch: number; position?: number; hash: string }[];
}

interface Stats {
  divergencesFound: number;
  divergencesRepaired: number;
}

/** A follower beside its leader, over several looks. */
interface Pair {
  slot: number;
  leader: string;
  follower: string;
  ofLeader: string[];
  ofFollower: string[];
  agreedAgoMs: number | undefined;
}

/** What is published while one looks makes replicas differ for the moment that it takes to be replicated. */
const LOOKS = 6;
const BETWEEN_MS = 400;
/** So many looks at which neither side has changed prove that nothing was under way. */
const QUIET_LOOKS = 3;
/** Leaders compare every 20 seconds: three times that without an agreement is no chance. */
const UNPROVED_MS = 60_000;
const LAG_MS = 5_000;

interface DataServer {
  name: string;
  incarnation: string;
  api: Api;
}

/** Whether the replicas of every slot hold the same, and are complete; several looks, a second or two in all. */
export async function replicas(survey: Survey, signal: AbortSignal): Promise<Finding[]> {
  const servers = survey.servers.flatMap(({ role, name, incarnation, api, http }): DataServer[] =>
    role === 'data' && incarnation !== undefined && api && http.answer ? [{ name, incarnation, api }] : [],
  );
  const first = await look(servers);
  const pairs = new Map<string, Pair>();
  compare(pairs, first, servers);
  for (let looks = 1; looks < LOOKS && [...pairs.values()].some(isOpen); looks++) {
    await setTimeout(BETWEEN_MS, undefined, { signal });
    compare(pairs, await look(servers), servers);
  }
  const all = [...pairs.values()];
  return [
    ...differing(all.filter((pair) => !hasAgreed(pair) && isQuiet(pair))),
    ...unproved(all.filter((pair) => !hasAgreed(pair) && !isQuiet(pair))),
    ...incomplete(first, servers),
    ...lagging(first, servers),
    ...(await counters(servers)),
  ];
}

type Looked = Map<string, Held>;

async function look(servers: readonly DataServer[]): Promise<Looked> {
  const held = await Promise.all(servers.map(({ api }) => orNothing(api.get<Held>('/v1/slots'))));
  return new Map(servers.flatMap(({ incarnation }, at) => (held[at] ? [[incarnation, held[at]] as const] : [])));
}

/** One that has stopped answering meanwhile is a matter of reachability. */
async function orNothing<T>(question: Promise<T>): Promise<T | undefined> {
  try {
    return await question;
  } catch (error) {
    if (error instanceof Unreachable) return undefined;
    throw error;
  }
}

function compare(pairs: Map<string, Pair>, looked: Looked, servers: readonly DataServer[]): void {
  const names = new Map(servers.map(({ incarnation, name }) => [incarnation, name]));
  for (const [leader, { slots }] of looked)
    for (const { slot, leaderEpoch, hash, followers } of slots)
      for (const { incarnation, streaming, agreedAgoMs } of followers) {
        const theirs = looked.get(incarnation)?.following.find((one) => one.slot === slot);
        // One that is still being given what differs has to differ.
        if (!streaming || theirs?.leaderEpoch !== leaderEpoch || theirs.position === undefined) continue;
        const key = `${slot} ${leaderEpoch} ${incarnation}`;
        const [from, to] = [names.get(leader)!, names.get(incarnation)!];
        const pair = pairs.get(key) ?? { slot, leader: from, follower: to, ofLeader: [], ofFollower: [], agreedAgoMs };
        pair.ofLeader.push(hash);
        pair.ofFollower.push(theirs.hash);
        pair.agreedAgoMs = agreedAgoMs;
        pairs.set(key, pair);
      }
}

/** Either side has shown what the other has shown: whichever came first, they are on the same way. */
function hasAgreed({ ofLeader, ofFollower }: Pair): boolean {
  return ofFollower.some((hash) => ofLeader.includes(hash));
}

function isQuiet({ ofLeader, ofFollower }: Pair): boolean {
  return [ofLeader, ofFollower].every(
    (hashes) => hashes.length >= QUIET_LOOKS && new Set(hashes.slice(-QUIET_LOOKS)).size === 1,
  );
}

function isOpen(pair: Pair): boolean {
  return !hasAgreed(pair) && !isQuiet(pair);
}

function differing(pairs: readonly Pair[]): Finding[] {
  if (pairs.length === 0) return [];
  const named = pairs.map(({ slot, leader, follower }) => `slot ${slot} of ${leader} and ${follower}`);
  return [
    {
      severity: 'critical',
      code: 'replicas-differ',
      subject: `slots ${some(pairs.map(({ slot }) => slot))}`,
      what: `The replicas hold something else than their leaders: ${some(named, 3)}.`,
      meaning: 'If such a leader dies, what its follower lacks is not there until its owner is heard again.',
      advice:
        'The servers find and mend this by themselves within 20 seconds; ask again then. What comes back is a defect: please report it, with the logs of both servers.',
    },
  ];
}

function unproved(pairs: readonly Pair[]): Finding[] {
  const old = pairs.filter(({ agreedAgoMs }) => agreedAgoMs === undefined || agreedAgoMs > UNPROVED_MS);
  if (old.length === 0) return [];
  return [
    {
      severity: 'warning',
      code: 'agreement-unproved',
      subject: `slots ${some(old.map(({ slot }) => slot))}`,
      what: `It has not been seen for more than ${duration(UNPROVED_MS)} that the replicas of ${counted(old.length, 'slot')} agree.`,
      meaning: 'They change all the time, and may differ beside that.',
      advice: 'Ask again when less is published. Look at the lag of these slots.',
    },
  ];
}

function incomplete(looked: Looked, servers: readonly DataServer[]): Finding[] {
  return servers.flatMap(({ name, incarnation }): Finding[] => {
    const partial = looked.get(incarnation)?.slots.filter(({ complete }) => !complete) ?? [];
    if (partial.length === 0) return [];
    const waitedFor = [...new Set(partial.flatMap(({ waitingFor }) => waitingFor))];
    return [
      {
        severity: 'warning',
        code: 'slots-incomplete',
        subject: `data ${name}`,
        what: `${counted(partial.length, 'slot')} not complete yet${waitedFor.length > 0 ? `, waiting for the session servers ${some(waitedFor, 3)}` : ''}.`,
        meaning: 'Its leader is new and still gathers what session servers hold; nothing is removed meanwhile.',
        advice: 'That takes seconds. If it stays so, look whether these session servers reach this data server.',
      },
    ];
  });
}

function lagging(looked: Looked, servers: readonly DataServer[]): Finding[] {
  return servers.flatMap(({ name, incarnation }): Finding[] => {
    const slots = looked.get(incarnation)?.slots ?? [];
    const behind = slots.filter(({ followers }) => followers.some(({ lagMs }) => lagMs > LAG_MS));
    if (behind.length === 0) return [];
    const most = Math.max(...behind.flatMap(({ followers }) => followers.map(({ lagMs }) => lagMs)));
    return [
      {
        severity: 'warning',
        code: 'replicas-lag',
        subject: `data ${name}`,
        what: `Followers of ${counted(behind.length, 'slot')} are up to ${duration(most)} behind.`,
        meaning: 'If this leader dies now, the latest changes come back only when their owners are heard.',
        advice: 'Look at the load of the followers, and at the network between them.',
      },
    ];
  });
}

async function counters(servers: readonly DataServer[]): Promise<Finding[]> {
  const findings = await Promise.all(
    servers.map(async ({ name, api }): Promise<Finding[]> => {
      const stats = await orNothing(api.get<Stats>('/v1/stats'));
      if (!stats || stats.divergencesFound === 0) return [];
      const { divergencesFound: found, divergencesRepaired: mended } = stats;
      const isOpenStill = mended < found;
      return [
        {
          severity: isOpenStill ? 'warning' : 'notice',
          code: 'divergence-found',
          subject: `data ${name}`,
          what: `Since it started, ${counted(found, 'difference')} from a leader or a session server came up; ${mended} mended.`,
          meaning: 'Comparisons every 20 seconds find what replication has missed.',
          advice: 'A few after failures are no harm. Any that come up again and again are a defect: please report it.',
        },
      ];
    }),
  );
  return findings.flat();
}
