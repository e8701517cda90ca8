import { fact, trouble, warning } from './entry.js';

/** What the SDK says in an application: the event `log` of a RegistryClient. */
export const CLIENT_EVENTS = {
  connected: fact('The client is served by the session server at `address`.'),
  'move-asked': fact('The session server asks the client to go to another, and it does; nobody sees it.'),
  'connection-failed': fact('A session server could not be reached, or refused; another is tried.'),
  'connection-lost': warning(
    'The connection to the session server broke or fell silent. Another is sought; what was published is published again, and ' +
      'subscribers keep their lists.',
    'Nothing, if `connected` follows. Otherwise see whether any session server that the client is told of can be reached.',
  ),
  'cluster-changed': warning(
    'The session server belongs to another cluster than the one before; what subscribers hold begins anew.',
    'If nobody has moved the application to another cluster: correct the addresses that the client is given.',
  ),
  'publication-refused': warning(
    'The registry has refused a publication for good, for the `code` in the line; what was acknowledged before stays.',
    'docs/errors.md explains the code. Mostly a name or the size of the data is wrong, or operators have blacklisted the name.',
  ),
  'push-refused': warning(
    'A change did not fit what the client holds; the list stays, and is sent as a whole.',
    'Once is no more than a look. Again and again it is a defect: please report it with the versions of client and server.',
  ),
  'push-malformed': warning(
    'A push could not be read; the list stays as it is.',
    'See that the version of the client fits that of the servers; otherwise it is a defect: please report it.',
  ),
  'config-malformed': warning(
    'What was told of a configuration value could not be read; the value stays as it is.',
    'See that the version of the client fits that of the servers; otherwise it is a defect: please report it.',
  ),
  'no-seeds': trouble(
    'The client knows of no session server at all, so it connects to none.',
    'Give it the addresses of session servers.',
  ),
} as const;
