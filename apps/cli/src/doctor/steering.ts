import { counted } from '../output/duration.js';
import { switched } from '../commands/status.js';
import type { Finding } from './finding.js';
import type { Survey } from './survey.js';

/** What operators have set, and may have forgotten; and what holds the cluster back by itself. */
export function steering(survey: Survey): Finding[] {
  return [...protection(survey), ...rebalance(survey), ...drains(survey), ...switches(survey)];
}

function protection({ members: { protections = [], members } }: Survey): Finding[] {
  return protections.map(({ role, expected }) => {
    const present = members.filter((member) => member.role === role).length;
    return {
      severity: 'critical',
      code: 'protection',
      subject: `${role} servers`,
      what: `So many were lost at once that nothing is removed on their account: ${present} of ${expected} are there.`,
      meaning:
        'Registrations whose leases end, and those of clients that died, stay in the lists, and lost replicas are not made again.',
      advice: 'Start the missing servers again. If they are gone for good, say so: rollcall protection confirm.',
    };
  });
}

function rebalance({ rebalance: { status, offBalance } }: Survey): Finding[] {
  if (status !== 'paused') return [];
  const off = offBalance.leads + offBalance.replicas;
  return [
    {
      severity: 'warning',
      code: 'rebalance-paused',
      subject: 'cluster',
      what: `Rebalancing is paused; ${counted(off, 'slot')} off balance.`,
      meaning: 'A new data server gets nothing to do, and one that is back gets nothing back.',
      advice: 'If that was forgotten: rollcall rebalance resume.',
    },
  ];
}

function drains({ members: { drains = [] } }: Survey): Finding[] {
  return drains
    .filter(({ draining }) => draining)
    .map(({ address, safeToStop, incarnation }) => ({
      severity: 'notice',
      code: 'drained',
      subject: `data ${address}`,
      what: safeToStop ? 'It is drained, and holds nothing.' : 'It is being drained.',
      meaning: 'Whatever server is at this address gets no slots.',
      advice:
        incarnation === null
          ? `It is gone. If another is to take its place: rollcall drain ${address} --undo.`
          : `Stop it once it is safe, or: rollcall drain ${address} --undo.`,
    }));
}

function switches({ switches: { switches: all } }: Survey): Finding[] {
  const on = switched(all);
  const findings: Finding[] = [];
  if (on.stopPush)
    findings.push({
      severity: 'warning',
      code: 'push-stopped',
      subject: 'cluster',
      what: `Pushes are held back: ${JSON.stringify(on.stopPush)}.`,
      meaning: 'Subscribers whom that concerns keep what they have, and hear of no change.',
      advice: 'If that was forgotten: rollcall switch stop-push none. They get the newest state then.',
    });
  if (on.readOnly)
    findings.push({
      severity: 'warning',
      code: 'read-only',
      subject: 'cluster',
      what: 'The registry is read-only.',
      meaning: 'Nothing new is published, nothing is changed, and nothing removed by its owner.',
      advice: 'If that was forgotten: rollcall switch read-only off.',
    });
  const names = { clientsOff: 'clients-off', publicationsOff: 'publications-off', blacklist: 'blacklist' } as const;
  for (const [key, name] of Object.entries(names)) {
    const list = on[key as keyof typeof names];
    if (list)
      findings.push({
        severity: 'notice',
        code: name,
        subject: 'cluster',
        what: `${counted(list.length, 'entry', 'entries')} switched off by ${name}.`,
        meaning: 'What that names is in no list.',
        advice: `See rollcall switch show; undo with rollcall switch ${name} remove.`,
      });
  }
  return findings;
}
