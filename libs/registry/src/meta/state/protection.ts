import type { DepartedMember, Member, Protection, RoutingTable } from '#model';
import type { CommandOf } from '../contract.js';
import type { TableChange } from './change.js';

type Role = Member['role'];

export function protectionOf({ protections = [] }: RoutingTable, role: Role): Protection | undefined {
  return protections.find((protection) => protection.role === role);
}

export function count(members: Member[], role: Role): number {
  return members.filter((member) => member.role === role).length;
}

/**
 * What a change of the members means for the protection of a role: it begins with the loss that is one too many, in the
 * same command, so that nobody ever sees the loss without it; and it ends once as many servers are there as before,
 * whichever they are. Who leaves as planned is not missed.
 *
 * How many there were before is the most that there have been at any loss the table still remembers, so that the window is
 * the time for which meta keeps the departed: a minute, and begun anew by a new leader, never cut short by one.
 * @param table before the change
 */
export function protect(
  table: RoutingTable,
  role: Role,
  change: 'joined' | 'left' | 'lost',
  { members, departed }: Pick<RoutingTable, 'members' | 'departed'>,
): Pick<RoutingTable, 'protections'> {
  const before = protectionOf(table, role);
  const present = count(members, role);
  if (!before) {
    const expected = Math.max(present, mostBefore(departed, role));
    if (change !== 'lost' || !isTooMany(expected - present, expected)) return {};
    return { protections: [...(table.protections ?? []), { role, sinceEpoch: table.epoch + 1, expected }] };
  }
  const expected = change === 'left' ? before.expected - 1 : before.expected;
  if (expected === before.expected && present < expected) return {};
  const others = table.protections!.filter((protection) => protection !== before);
  return { protections: present < expected ? [...others, { ...before, expected }] : others };
}

/**
 * An operator takes the loss for what it is: it is over, and counts towards no other. What began after the epoch that the
 * operator knew is none of it.
 */
export function confirmLoss(table: RoutingTable, { epoch, role }: CommandOf<'confirmLoss'>): TableChange {
  const { protections = [], departed } = table;
  const isConfirmed = (each: Protection): boolean => each.sinceEpoch <= epoch && (role ?? each.role) === each.role;
  const confirmed = new Set(protections.filter(isConfirmed).map((each) => each.role));
  if (confirmed.size === 0) return undefined;
  return {
    protections: protections.filter((each) => !isConfirmed(each)),
    departed: departed.map((member) => (confirmed.has(member.role) ? withoutCount(member) : member)),
  };
}

/** More than one, and more than 30 %. */
function isTooMany(lost: number, outOf: number): boolean {
  return lost > 1 && 10 * lost > 3 * outOf;
}

function mostBefore(departed: DepartedMember[], role: Role): number {
  let most = 0;
  for (const member of departed) {
    if (member.role !== role) continue;
    if (member.cause === 'left') most--;
    else most = Math.max(most, member.outOf ?? 0);
  }
  return most;
}

function withoutCount({ role, incarnation, cause }: DepartedMember): DepartedMember {
  return { role, incarnation, cause };
}
