import { counted } from '../output/duration.js';
import { type Finding, some } from './finding.js';
import type { Survey } from './survey.js';

/** Entries of the log that a node may be behind while there is nothing wrong with it. */
const BEHIND_ENTRIES = 1_000;

/** Whether the meta servers have a leader, and would have one if one of them died. */
export function raft(survey: Survey): Finding[] {
  return [...leader(survey), ...quorum(survey), ...lag(survey), ...failures(survey)];
}

function leader({ stale, raft: { leader: known }, servers }: Survey): Finding[] {
  const leading = servers.filter((server) => server.raft?.role === 'leader');
  if (stale === undefined && (known !== null || leading.length > 0)) return [];
  return [
    {
      severity: 'critical',
      code: 'no-meta-leader',
      subject: 'meta',
      what: `The meta servers have no leader${stale === undefined ? '' : ` (${stale.replace(/\.$/, '')})`}; all that follows is the word of one of them, and may be old.`,
      meaning:
        'Publishing and pushing go on, but nobody joins or leaves, no slot gets another leader, nothing is switched.',
      advice: 'Start the meta servers that do not answer. If a majority is gone for good: docs/recovery.md.',
    },
  ];
}

function quorum({ raft: { configuration }, servers }: Survey): Finding[] {
  const { voters, outgoing, learners } = configuration;
  const answering = new Set(servers.filter(({ rpc }) => rpc.answer).map(({ name }) => name));
  const there = voters.filter((id) => answering.has(id)).length;
  const needed = Math.floor(voters.length / 2) + 1;
  const findings: Finding[] = [];
  if (there < voters.length && there <= needed)
    findings.push({
      severity: 'critical',
      code: 'quorum-at-risk',
      subject: 'meta',
      what: `Of ${counted(voters.length, 'voter')} ${there} answer, and ${needed} are needed.`,
      meaning: there < needed ? 'The group can decide nothing.' : 'If one more fails, the group can decide nothing.',
      advice:
        'Start the others again, or replace them one by one: rollcall raft remove, then rollcall raft add --voter.',
    });
  if (voters.length > 1 && voters.length % 2 === 0)
    findings.push({
      severity: 'notice',
      code: 'even-voters',
      subject: 'meta',
      what: `There are ${voters.length} voters.`,
      meaning: 'They survive no more failures than one fewer would.',
      advice: 'Add one (rollcall raft add --voter) or remove one.',
    });
  if (outgoing || learners.length > 0)
    findings.push({
      severity: 'notice',
      code: 'group-changes',
      subject: 'meta',
      what: outgoing ? 'The group is changing.' : `Learners: ${some(learners)}.`,
      meaning: outgoing ? 'Until that is over, both the old and the new majority are needed.' : 'They have no vote.',
      advice: outgoing
        ? 'Wait a moment and ask again.'
        : 'Let them vote once they have caught up: rollcall raft promote.',
    });
  return findings;
}

function lag({ servers }: Survey): Finding[] {
  const last = Math.max(0, ...servers.map((server) => server.raft?.commit ?? 0));
  return servers.flatMap(({ name, raft: own }): Finding[] => {
    if (!own || last - own.applied <= BEHIND_ENTRIES) return [];
    return [
      {
        severity: 'warning',
        code: 'raft-lag',
        subject: `meta ${name}`,
        what: `It is ${counted(last - own.applied, 'entry', 'entries')} behind.`,
        meaning: 'It cannot lead soon, and what is read there with consistency=stale is old.',
        advice: 'A server that was away catches up by itself. If that does not shrink, look at its disk and its log.',
      },
    ];
  });
}

function failures({ servers }: Survey): Finding[] {
  return servers.flatMap(({ name, raft: own }): Finding[] =>
    own?.failure
      ? [
          {
            severity: 'critical',
            code: 'raft-failed',
            subject: `meta ${name}`,
            what: own.failure.message,
            meaning: 'It takes no part in the group any more.',
            advice: 'See docs/recovery.md.',
          },
        ]
      : [],
  );
}
