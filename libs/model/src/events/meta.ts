import { fact, trouble, warning } from './entry.js';

/** What a meta server says of the members, of slots, and of its part in leading them. */
export const META_EVENTS = {
  leading: fact('This meta server leads from now on, and serves members.'),
  'not-leading': fact('This meta server leads no more; another does, or is elected.'),
  gathering: fact(
    'The group was recovered or restored, and for a while takes in the members that come before it shows anybody a table.',
  ),
  'member-joined': fact('A server is a member from now on, or has found this leader.'),
  'member-left': fact('A member has said goodbye: it was stopped.'),
  'member-departed': warning(
    'A member is gone without a goodbye. `cause`: `refused`, its process has ended; `replaced`, another has taken its address; ' +
      '`expired`, nothing was heard of it for a lease.',
    'Start it again, unless something does so by itself: its log and that of its machine say why it ended. Others have taken ' +
      'over what it led. `rollcall members` shows who is there, and `rollcall doctor` what is missing.',
    'RollcallMemberLost',
  ),
  'member-unreconciled': warning(
    'A session server keeps slots from becoming complete, since it does not answer their leader; it is taken out of the table.',
    'It joins anew by itself and its clients stay with it. If that repeats, look at the network between the two servers that ' +
      'the line names, and at the event loop of both.',
    'RollcallSlotsPartial',
  ),
  'member-unreachable': warning(
    'Most session servers cannot reach a data server that meta hears: it leads nothing until that is over (`member-reachable`).',
    'Look at the network between session servers and that data server, at firewalls first.',
  ),
  'member-reachable': fact(
    'A data server that most session servers could not reach is reached again, and may lead slots.',
  ),
  'protection-began': trouble(
    'So many members of a role were lost within a minute that something else must have failed: no publication is removed on ' +
      'their account until as many are back.',
    'Look for what they have in common: a switch, a host, a zone. Bring them back, and it ends by itself. If they are gone for ' +
      'good: `POST /v1/protection/confirm`.',
    'RollcallProtection',
  ),
  'protection-ended': fact('As many members as before are back, or an operator has confirmed their loss (`reason`).'),
  'change-made': fact('This meta server, which leads, has made the change of the state that an operator asked for.'),
  'placing-slots': fact('Slots get another leader, or other replicas; the line counts the steps by their kind.'),
  'proposal-failed': fact(
    'A change could not be committed just now, mostly since the lead has gone elsewhere; it is made again.',
  ),
  'feature-level-raised': fact('All members support more than before, and it is used from now on.'),
  'rebalance-paused': fact('An operator has paused what moves slots for balance alone.'),
  'rebalance-resumed': fact('Slots move for balance again.'),
  stalled: warning(
    'This process has stood still for so long that leases would have ended; all of them are extended by as much.',
    'Look for what stopped it: a suspended machine, swapping, a processor shared with too many (`nodejs_eventloop_lag_max_seconds`).',
    'RollcallEventLoopLate',
  ),
  'not-handed-over': warning(
    'A meta leader that was stopped could not hand over its lead, so the others elect: for a moment nobody leads.',
    'Nothing, if the others lead soon after (`rollcall raft status`). Otherwise see the alert.',
    'RollcallNoMetaLeader',
  ),
  'address-changed': fact('The only meta server has another address than when its folder was made; it keeps its id.'),
} as const;
