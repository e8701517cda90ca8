import { counted } from '../output/duration.js';
import type { Slot } from '../servers/answers.js';
import { slotState } from '../servers/slots.js';
import { type Finding, some } from './finding.js';
import { isLost } from './servers.js';
import type { Survey } from './survey.js';

/** Whether every slot is served, and would be if a server died, as the table has it. */
export function slots(survey: Survey): Finding[] {
  const { members, slots: all } = survey;
  const { replicas = 2 } = all;
  const inState = (state: string): Slot[] => all.slots.filter((slot) => slotState(slot, all) === state);
  const dataServers = members.members.filter(({ role }) => role === 'data').length;
  if (isSingle(survey, dataServers) && replicas > 1) return [...leaderless(inState('no leader'), dataServers), SINGLE];
  return [
    ...leaderless(inState('no leader'), dataServers),
    ...thin(inState('under-replicated'), dataServers, replicas),
  ];
}

/**
 * One server of a kind is what `npm start` runs, and somebody's choice. Whoever has several meta servers, or has
 * lost a data server a moment ago, wants more.
 */
function isSingle({ raft: { configuration }, members: { departed } }: Survey, dataServers: number): boolean {
  return (
    dataServers === 1 &&
    configuration.voters.length === 1 &&
    !departed.some((gone) => gone.role === 'data' && isLost(gone))
  );
}

const SINGLE: Finding = {
  severity: 'notice',
  code: 'one-data-server',
  subject: 'cluster',
  what: 'There is one data server, so no slot has a second replica.',
  meaning:
    'If it dies, nothing can be published or read until it is back; connected clients publish again by themselves.',
  advice: 'To try things out that is as it should be. Otherwise start another one: replicas are made by themselves.',
};

function leaderless(without: readonly Slot[], dataServers: number): Finding[] {
  if (without.length === 0) return [];
  const waiting = without.filter(({ durable }) => durable);
  const disks = [...new Set(waiting.flatMap((slot) => slot.disks ?? []))];
  return [
    {
      severity: 'critical',
      code: 'no-leader',
      subject: `slots ${some(without.map(({ slot }) => slot))}`,
      what: `${counted(without.length, 'slot')} ${without.length === 1 ? 'has' : 'have'} no leader.`,
      meaning: 'What hashes there can be neither published nor read; subscribers keep what they have.',
      advice:
        dataServers === 0
          ? 'There is no data server: start one.'
          : waiting.length > 0
            ? `They wait for a data server with one of the disks ${some(disks, 3)}, which hold persistent publications: start it again with its folder. If these are gone for good: rollcall slots abandon SLOT.`
            : 'A leader is chosen within moments. If that stays so, look at the meta servers (rollcall raft status).',
    },
  ];
}

function thin(under: readonly Slot[], dataServers: number, replicas: number): Finding[] {
  if (under.length === 0) return [];
  const joining = under.filter((slot) => slot.joining.length > 0).length;
  return [
    {
      severity: 'warning',
      code: 'under-replicated',
      subject: `slots ${some(under.map(({ slot }) => slot))}`,
      what: `${counted(under.length, 'slot')} ${under.length === 1 ? 'has' : 'have'} fewer than ${replicas} complete replicas; ${joining} of them are being given one.`,
      meaning: 'If one more data server dies now, their content is not there until clients have published it again.',
      advice:
        dataServers < replicas
          ? `There are too few data servers (${dataServers}) for ${replicas} replicas: start another one.`
          : 'Lost replicas are made again by themselves: watch rollcall rebalance status. While many servers are missed nothing is made (see protection).',
    },
  ];
}
