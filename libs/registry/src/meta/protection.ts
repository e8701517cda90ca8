import type { RoutingTable } from '#model';
import type { MetaContext } from './context.js';
import { count, protectionOf } from './state/protection.js';

/** The alarm: once when the protection of a role begins, and once when it ends. */
export function announceProtection(context: MetaContext, before: RoutingTable): void {
  const { table } = context;
  for (const role of ['data', 'session'] as const) {
    const [was, is] = [protectionOf(before, role), protectionOf(table, role)];
    const present = count(table.members, role);
    if (was && was.sinceEpoch !== is?.sinceEpoch) {
      const reason = present >= was.expected ? 'returned' : 'confirmed';
      context.log('info', 'protection-ended', { role, sinceEpoch: was.sinceEpoch, present, reason });
    }
    if (is && is.sinceEpoch !== was?.sinceEpoch)
      context.log('error', 'protection-began', { ...is, present, message: ADVICE });
  }
}

const ADVICE =
  'So many servers were lost that no publication is removed on their account. This ends when as many are back, or when ' +
  'their loss is confirmed with POST /v1/protection/confirm.';
