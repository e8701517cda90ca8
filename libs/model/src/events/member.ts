import { fact, trouble, warning } from './entry.js';

/** What data and session servers say of their membership and of what meta tells them. */
export const MEMBER_EVENTS = {
  joined: fact('The server is a member of the cluster, and the meta server that the line names holds its lease.'),
  'meta-lost': fact('The meta server that held the lease is gone or leads no more; another is sought.'),
  expelled: fact('Meta does not know this incarnation of the server any more; the server goes on as another.'),
  'waiting-for-meta': warning(
    'Every meta server that the settings name has been asked, and none has taken this server in; it goes on asking.',
    'For a moment at a start, or while meta elects, this is as it should be, and `joined` ends it. If it stays: `message` says ' +
      'how the last attempt failed; start the meta servers, or correct `cluster.metaAddresses`. Meanwhile a member works on ' +
      'by its last table, and a server that never was one serves nobody.',
    'RollcallNotReady',
  ),
  'cluster-mismatch': trouble(
    'The meta server belongs to another cluster than the folder of this server, so the server joins nothing.',
    'Correct `cluster.metaAddresses`, if they lead to the wrong cluster. If the server is to change clusters, stop it, move its ' +
      'data folder away (`dataDir`), and start it with an empty one.',
    'RollcallNotReady',
  ),
  'peer-of-other-cluster': warning(
    'A server of another cluster has been met at the address; the link was closed, and nothing of it was believed.',
    'Two clusters share addresses: the other server has taken over the port of a former member, or its settings name ' +
      'servers of this cluster. Correct them, or give it another port.',
  ),
  'unsupported-level': trouble(
    'The cluster is at a feature level that this version of the server does not support, so it is not taken in.',
    'Start the version that the rest of the cluster runs: `rollcall members` shows it.',
    'RollcallNotReady',
  ),
  'unsupported-version': trouble(
    'The versions of this server and of the meta server are too far apart to work together, so it is not taken in.',
    'Start a version that may be mixed with that of the rest: `message` names both, and `rollcall members` shows all.',
    'RollcallNotReady',
  ),
  'unsupported-protocol': trouble(
    'The meta server speaks another version of the protocol between servers, so this server is not taken in.',
    'Start the version that the rest of the cluster runs: `rollcall members` shows it.',
    'RollcallNotReady',
  ),
  'meta-behind': trouble(
    'The meta server does not know a table that this server has from it or its group: the group was recovered or restored ' +
      'elsewhere, or goes on from an old backup. The server leaves it.',
    'Find out which meta group is the right one, and stop the other for good. docs/recovery.md says how a group is restored ' +
      'so that members follow it.',
  ),
  'new-incarnation': warning(
    'The server has given up what it was, for the `reason` in the line, and joins as another member; its clients come back.',
    'Once, after the server or the network stood still, it needs nothing. Again and again: look at the event loop ' +
      '(`nodejs_eventloop_lag_max_seconds`) and at the network between this server and meta.',
    'RollcallMemberLost',
  ),
  'folder-damaged': warning(
    "Something in the server's folder could not be read and counts as absent; meta tells it anew.",
    'Nothing, if it happens once after a crash. Otherwise look at the disk: it may be failing.',
  ),
  'table-not-saved': warning(
    'The routing table could not be written to the folder. Serving goes on; a restart while meta is away would begin with an ' +
      'older one.',
    'Make room on the disk, or make the folder (`dataDir`) writable again; the next table is written by itself.',
  ),
  'switches-not-saved': warning(
    'The switches could not be written to the folder. Serving goes on; a restart while meta is away would begin with older ones.',
    'Make room on the disk, or make the folder (`dataDir`) writable again; the next change is written by itself.',
  ),
} as const;
