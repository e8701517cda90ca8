import { fact, trouble, warning } from './entry.js';

/** What a data server says of the slots that it holds, and of its disk. */
export const DATA_EVENTS = {
  'slots-changed': fact('A new table: this server leads or follows other slots than before.'),
  'slots-partial': fact(
    'Some slots that this server leads wait for session servers to say what they hold (`overdue`: for long).',
  ),
  'slots-complete': fact('All slots that this server leads are complete.'),
  superseded: fact('Somebody has shown that a slot has a newer leader; this server leads it no more.'),
  'standing-in': warning(
    'Meta is away and this server was restarted, so it leads by its last table for the one it was before.',
    'Bring meta back: until then no slot gets another leader, and nothing persistent is written here.',
    'RollcallNoMetaLeader',
  ),
  'malformed-message': trouble(
    'A message of another server could not be read; the link was closed, and is opened again.',
    'See that all servers run versions that may be mixed (`rollcall doctor`); otherwise it is a defect: please report it.',
    'RollcallDefect',
  ),
  'disk-failed': trouble(
    'The disk takes no writes: persistent publications are refused on the slots of this server. Everything else is served.',
    '`message` has the reason: full, read-only, or failing. Make room, or replace it; the server tries again by itself.',
    'RollcallDiskFailed',
  ),
  'disk-damaged': warning(
    'The store of persistent publications had a damaged record. It was moved aside, and the server begins with an empty one, ' +
      'which its replicas fill.',
    'Look at the disk: it may be failing. The store that was moved aside is of use only if all replicas of a slot were lost.',
    'RollcallSlotsUnderReplicated',
  ),
  'warm-copy-loaded': fact(
    'The copy of what the server held before it was restarted has been read; only what differs is asked for.',
  ),
  'warm-copy-damaged': warning(
    'The copy that makes a restart fast could not be read as a whole; what it lacks is asked of others, and it is written anew.',
    'Nothing, if it happens once after a crash. Otherwise look at the disk: it may be failing.',
  ),
  'warm-copy-too-large': warning(
    'The copy that makes a restart fast was not read within its time; the rest is asked of others.',
    'Nothing is lost. A faster disk, or more data servers with less on each, make restarts faster.',
  ),
  'warm-copy-failed': warning(
    'The copy that makes a restart fast could not be written; it is begun anew.',
    'Make room on the disk, or make the folder (`data.dataDir`) writable again. Only the next start here depends on it.',
  ),
} as const;
