import { counted, duration } from '../output/duration.js';
import { type Finding, some } from './finding.js';
import type { Clock, ServerSurvey, Survey } from './survey.js';

/** Below that, nobody who compares two logs is misled. */
const SKEW_MS = 1_000;

/** Whether every server answers at both doors, and is the one that the table names. */
export function reachability({ servers, members }: Survey): Finding[] {
  return servers.flatMap((server) => [...doors(server), ...identity(server, members.clusterId), ...readiness(server)]);
}

const nameOf = ({ role, name }: ServerSurvey): string => `${role} ${name}`;

function doors(server: ServerSurvey): Finding[] {
  const { rpc, http, role } = server;
  const closed = [
    ...(rpc.reason === undefined ? [] : [`RPC: ${rpc.reason}`]),
    ...(http.reason === undefined ? [] : [`HTTP: ${http.reason}`]),
  ];
  if (closed.length === 0) return [];
  return [
    {
      severity: 'critical',
      code: 'unreachable',
      subject: nameOf(server),
      what: `It does not answer (${closed.join('; ')}).`,
      meaning:
        role === 'meta'
          ? 'The group goes on while a majority of its voters is there; one more that fails may be one too many.'
          : 'A member that is dead leaves the table when its lease ends, some seconds later. One that stays there, and cannot be reached from here, is cut off or stands still.',
      advice:
        role === 'meta'
          ? 'Start it again with its folder; where that is lost, replace it: rollcall raft remove, then rollcall raft add (docs/operations.md).'
          : 'Look at its log, and at the network between here and there. Start it again if it has ended; what it held is copied to it anew.',
    },
  ];
}

function identity(server: ServerSurvey, clusterId: string): Finding[] {
  const { incarnation } = server;
  const answer = server.http.answer ?? server.rpc.answer;
  if (!answer) return [];
  if (answer.clusterId !== undefined && answer.clusterId !== clusterId)
    return [
      {
        severity: 'critical',
        code: 'other-cluster',
        subject: nameOf(server),
        what: `It belongs to the cluster ${answer.clusterId}, and this one is ${clusterId}.`,
        meaning: 'Servers of two clusters never work with each other.',
        advice: 'Correct cluster.metaAddresses or the address of that server, and start it with an empty folder.',
      },
    ];
  if (incarnation === undefined || answer.incarnation === undefined || answer.incarnation === incarnation) return [];
  return [
    {
      severity: 'warning',
      code: 'other-incarnation',
      subject: nameOf(server),
      what: 'Another process answers there than the one that is a member.',
      meaning: 'It has been restarted, and has not joined yet.',
      advice: 'Wait a moment and ask again. If that stays so, its log says why it cannot join.',
    },
  ];
}

function readiness(server: ServerSurvey): Finding[] {
  const { ready, http } = server;
  if (ready.reason === undefined || http.reason !== undefined) return [];
  return [
    {
      severity: 'warning',
      code: 'not-ready',
      subject: nameOf(server),
      what: `It says that it is not ready: ${ready.reason}`,
      meaning: 'It answers, and serves nobody yet, or no longer.',
      advice: 'A server that starts or drains is so for a moment; one that stays so tells why in its log.',
    },
  ];
}

/** Versions that stay apart keep what is new from being used. */
export function versions({ servers, members }: Survey): Finding[] {
  const told = servers.flatMap((server) => {
    const about = server.http.answer ?? server.rpc.answer;
    return about ? [{ name: nameOf(server), ...about }] : [];
  });
  const groups = new Map<string, string[]>();
  for (const { name, version, featureLevel } of told) {
    const key = `${version}, feature level ${featureLevel}`;
    groups.set(key, [...(groups.get(key) ?? []), name]);
  }
  if (groups.size <= 1 && told.every(({ featureLevel }) => featureLevel === members.featureLevel)) return [];
  if (groups.size <= 1)
    return [
      {
        severity: 'notice',
        code: 'feature-level',
        subject: 'cluster',
        what: `All servers support feature level ${told[0]?.featureLevel}, and the cluster is at ${members.featureLevel}.`,
        meaning: 'It rises by itself once every server is known to support it.',
        advice: 'Wait a moment. If that stays so, a server that is not reached here is of an older version.',
      },
    ];
  const list = [...groups].map(([version, of]) => `${version} (${some(of, 3)})`);
  return [
    {
      severity: 'warning',
      code: 'versions-differ',
      subject: 'cluster',
      what: `Servers run different versions: ${list.join('; ')}.`,
      meaning: 'Neighbouring versions work together, but what is new in the later one is not used.',
      advice: 'Finish the upgrade: replace the older servers one by one (rollcall rolling-restart).',
    },
  ];
}

/** Compared with the clock that most of them are near, so that the one of this machine counts for nothing. */
export function clocks({ servers }: Survey): Finding[] {
  const told = servers.flatMap((server) => (server.clock ? [{ server, clock: server.clock }] : []));
  if (told.length < 2) return [];
  const middle = told.map(({ clock }) => clock).toSorted((a, b) => a.offsetMs - b.offsetMs)[(told.length - 1) >> 1]!;
  return told.flatMap(({ server, clock }): Finding[] => {
    const skewMs = clock.offsetMs - middle.offsetMs;
    if (Math.abs(skewMs) - errorOf(clock, middle) <= SKEW_MS) return [];
    return [
      {
        severity: 'warning',
        code: 'clock-skew',
        subject: nameOf(server),
        what: `Its clock is ${duration(Math.abs(skewMs))} ${skewMs > 0 ? 'ahead of' : 'behind'} that of the others (give or take ${duration(errorOf(clock, middle))}).`,
        meaning:
          'Nothing is decided by it; but times in its log, its lists and its traces mislead whoever compares them, and so does that of a recovery.',
        advice: 'Have the machine set its clock from a time server (NTP), and look whether that works.',
      },
    ];
  });
}

function errorOf(a: Clock, b: Clock): number {
  return a.errorMs + b.errorMs;
}

/** Who has left within the last minute, otherwise than as planned. */
export function departures({ members: { departed } }: Survey): Finding[] {
  const lost = departed.filter(isLost);
  if (lost.length === 0) return [];
  return [
    {
      severity: 'notice',
      code: 'lately-lost',
      subject: 'cluster',
      what: `${counted(lost.length, 'server')} died within the last minute: ${some(lost.map(({ role, cause }) => `${role} (${cause})`))}.`,
      meaning: 'What they served has been taken over by others.',
      advice: 'Look at their logs, and start them again.',
    },
  ];
}

/** Gone without having said so, and not back at the same address: who stops a server, or starts it again, knows of it. */
export function isLost({ cause }: Survey['members']['departed'][number]): boolean {
  return cause === 'expired' || cause === 'refused';
}
