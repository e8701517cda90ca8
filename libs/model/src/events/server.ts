import { fact, trouble, warning } from './entry.js';

/** What a server of any tier may have to say. */
export const SERVER_EVENTS = {
  listening: fact('The server listens, over RPC and over HTTP at the addresses that the line names.'),
  'advertised-address': fact('At which host others are told to reach the server, and why at that one.'),
  'advertised-address-doubtful': warning(
    'The server tells others to reach it at a host where they may not: loopback, or the bridge of a container.',
    'Set what `advice` names to the host at which the other servers reach this one. Where all of them run on this machine ' +
      'it may be right as it is: set it all the same, and nothing is doubtful any more. `--print-config` shows the choice.',
  ),
  'admin-tokens-changed': fact('The file of admin tokens holds others than before, and those count from now on.'),
  'admin-tokens-kept': warning(
    'The file of admin tokens cannot be read, or holds something that is no token; the tokens read before still count.',
    'Correct the file: `problem` says what is wrong with it, and docs/access.md what it holds. It is read again by itself. ' +
      'A token that was to be withdrawn still counts until then.',
  ),
  'admin-request': fact(
    'Somebody has asked for something that takes admin rights: what, from where, and how it was answered.',
  ),
  'admin-denied': warning(
    'Somebody has asked for something that takes admin rights, without a token of this server; nothing was done.',
    'Find out who asks from `remote`. Mostly a script with a token that was withdrawn, or none; docs/access.md says how one is ' +
      'shown. Many from an address that nobody knows: somebody is trying.',
  ),
  'connection-refused': warning(
    'A connection over RPC was closed by the server, since what came over it breaks the protocol or a limit; `code` says which.',
    'Find out what runs at `remote`: something that speaks another protocol to the RPC port, such as a browser or a port ' +
      'scan, or a client of a version that is not supported.',
  ),
  'request-failed': trouble(
    'A request was answered with INTERNAL, since the code that served it threw what it should not.',
    'This is a defect: please report it with the line, `stack` included. `requestId` finds what else the request caused.',
    'RollcallDefect',
  ),
  'core-failed': trouble(
    "The server's brain threw, so its state can no longer be trusted; the process ends.",
    'Start it again, unless something does so by itself. This is a defect: please report it with the line, `stack` included.',
    'RollcallDefect',
  ),
  'effect-failed': trouble(
    'One thing that the server had decided to do could not be done, such as to send a message; it goes on with the rest.',
    'This is a defect: please report it with the line. `rollcall_drops_total` counts them; what was lost is repeated by what ' +
      'compares servers in the background, where anything does.',
    'RollcallDefect',
  ),
  'nest-warning': warning(
    'The framework that the server is built on (NestJS) warns of something.',
    'Read `message`. At a start it is mostly about a setting; otherwise please report it.',
  ),
  'nest-error': trouble(
    'The framework that the server is built on (NestJS) reports a failure that nothing else has taken care of.',
    'Read `message` and `stack`. At a start the reason that the process gives as it ends says more; otherwise it is a ' +
      'defect: please report it.',
  ),
} as const;
