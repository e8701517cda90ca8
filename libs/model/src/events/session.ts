import { fact, trouble, warning } from './entry.js';

/** What a session server says of its clients, of the leaders of slots, and of its workers. */
export const SESSION_EVENTS = {
  switched: fact('The switches of the cluster are others than before; the line tells which are on.'),
  'drain-began': fact('The clients of this server are asked to go to others.'),
  'drain-undone': fact('An operator has taken back the drain.'),
  drained: fact('The drain is over; `clientsLeft` had nowhere to go, or did not.'),
  'clients-lost': warning(
    'The connections of `lost` clients so far broke at about the same time, without a goodbye; `left` were left when it was found. ' +
      'What they have published stays for `graceMs`, longer than usual, since it is rather the way to them that is broken than they.',
    'Look at the network between the clients and this server, at load balancers and firewalls first; and whether the server has ' +
      'the processor time that it needs. If the clients are dead (a rack, a zone), nothing need be done: what they have published ' +
      'goes when that time is over.',
  ),
  'delta-refused': warning(
    'A client holds something else than it was taken to hold, so it refused a change and is sent the whole list.',
    'Once is no more than a look. Often (`rollcall_pushes_refused_total`): a client that was changed, or a defect: please ' +
      'report it with the version of the client.',
  ),
  'stand-in': warning(
    'Meta is away, and a data server that was restarted leads for the one that the table names at its address.',
    'Bring meta back.',
    'RollcallNoMetaLeader',
  ),
  'leader-out-of-reach': warning(
    'This server cannot reach the leader of some slots, at `address`, and speaks to it through another data server (`via`).',
    'Look at the network between the two, at firewalls first. Everything works meanwhile, a hop slower.',
  ),
  'serves-etcd': fact('The server listens for clients of etcd, at the address that the line names.'),
  'etcd-value-malformed': warning(
    'A client of etcd has put a value that the programs of that layout of keys cannot read. It is kept as it is, and native ' +
      'subscribers are shown no endpoint of it.',
    '`key` says where, and `why` what is wrong. If keys like that are no services, take the layout out of session.etcd.layouts.',
  ),
  'workers-serve': fact('All workers serve, behind the one port for RPC and the one for HTTP.'),
  'worker-serves': fact('A worker of this server serves; the line has its address and process id.'),
  'worker-cannot-answer': warning(
    'A worker could not tell what was asked of all of them, such as its metrics; the answer lacks its part.',
    'Read `failure`. If it stays so, restart the server; what the worker itself logs says more.',
  ),
  'worker-ended': trouble(
    'A worker has ended without having been asked to; its clients go elsewhere, and it is started again.',
    '`how` has its signal or exit code, and the lines of the worker before it the reason. SIGKILL: mostly the system was out of ' +
      'memory. docs/workers.md says more.',
  ),
} as const;
