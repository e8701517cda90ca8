import { fact, trouble, warning } from './entry.js';

const REPORT =
  'This is a defect, or a log that somebody has changed: please report it with the logs of all meta servers.';

/** What a meta server says of the consensus group. */
export const RAFT_EVENTS = {
  'raft-campaign': fact('This node stands for election; `transfer` where its leader has asked it to.'),
  'raft-leading': fact('This node was elected and leads the group in the term of the line.'),
  'raft-membership-change': fact('A change of who is in the group has been entered into the log.'),
  'raft-snapshot-begun': fact('A node is so far behind that it is sent a snapshot instead of the log.'),
  'raft-snapshot-received': fact('This node has been sent a snapshot as a whole.'),
  'raft-resigned': warning(
    'This node leads no more, since no majority has answered it for too long, or since it was removed from the group.',
    'If it was not removed: see whether the other meta servers run and can be reached (`rollcall raft status`).',
    'RollcallMetaElections',
  ),
  'raft-peer-rejected': warning(
    'Another meta server has refused the link of this one, for the reason in `message`.',
    'Correct what `message` names: mostly a meta server of another cluster, or of a version that is not supported.',
    'RollcallMetaPeerInactive',
  ),
  'raft-message-refused': warning(
    'Something came over the link of another meta server that is no message of the protocol; the link was closed.',
    'See that all meta servers run versions that may be mixed, and that nothing else speaks to their RPC ports.',
  ),
  'raft-other-era': warning(
    'A meta server of the group as it was before a recovery has spoken, or one of a later life than this one; it is not heard.',
    'Stop the server of the earlier era, and start it anew with an empty folder; docs/recovery.md says how.',
  ),
  'raft-second-leader': trouble('Two nodes lead in one term, which must never happen.', REPORT),
  'raft-impossible-answer': trouble(
    'A follower claims to hold more than the leader has; the answer counts for nothing.',
    `Its folder may be from another life of the group. ${REPORT}`,
  ),
  'raft-append-refused': trouble(
    'A leader has sent entries that do not follow each other; they were not taken.',
    REPORT,
  ),
  'raft-consensus-failed': trouble(
    'The node cannot trust its disk or its state any more, so its process ends. Nothing that it has acknowledged is taken back.',
    '`code` and `reason` say why. A disk that is full: make room and start it again. STORE_CORRUPT: remove it from the group, ' +
      'and add another with an empty folder; docs/recovery.md says how.',
    'RollcallMetaPeerInactive',
  ),
} as const;
