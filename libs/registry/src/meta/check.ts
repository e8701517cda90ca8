import { LIMITS, MAX_SLOT_SIZES, MAX_WATCHED_AT_ONCE, type Member, type ReplicaReport, type SlotSize } from '#model';

/** What comes over a link is checked for its form before it may enter the replicated state. */
export function isMember(value: unknown): value is Member {
  if (typeof value !== 'object' || value === null) return false;
  const {
    role,
    incarnation,
    address,
    httpAddress,
    zone,
    weight,
    featureLevel = 1,
    diskId = '',
  } = value as Record<string, unknown>;
  return (
    (role === 'data' || role === 'session') &&
    isText(incarnation) &&
    incarnation !== '' &&
    isText(address) &&
    address !== '' &&
    isText(httpAddress) &&
    isText(zone) &&
    typeof weight === 'number' &&
    Number.isFinite(weight) &&
    weight > 0 &&
    Number.isSafeInteger(featureLevel) &&
    (featureLevel as number) > 0 &&
    isText(diskId)
  );
}

export function isNameList(value: unknown): value is string[] {
  return Array.isArray(value) && value.every(isText);
}

export function areReplicaReports(value: unknown): value is ReplicaReport[] {
  return Array.isArray(value) && value.every(isReplicaReport);
}

export function areSlotSizes(value: unknown): value is SlotSize[] {
  return Array.isArray(value) && value.length <= MAX_SLOT_SIZES && value.every(isSlotSize);
}

export function isWatchConfig({ watch, unwatch }: { watch: unknown; unwatch: unknown }): boolean {
  return (
    Array.isArray(watch) &&
    watch.length <= MAX_WATCHED_AT_ONCE &&
    watch.every((each) => isText(each?.key) && isCount(each.version ?? 0)) &&
    isNameList(unwatch)
  );
}

function isSlotSize(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { slot, leaderEpoch, publications, bytes, wanted } = value as Record<string, unknown>;
  return [slot, leaderEpoch, publications, bytes, wanted].every((count) => isCount(count));
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

const REPORTS: readonly ReplicaReport['type'][] = ['caughtUp', 'sealed', 'durable', 'behind'];

function isReplicaReport(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { type, slot, leaderEpoch, server, tableEpoch = 0 } = value as Record<string, unknown>;
  return (
    (REPORTS as readonly unknown[]).includes(type) &&
    Number.isSafeInteger(slot) &&
    Number.isSafeInteger(leaderEpoch) &&
    Number.isSafeInteger(tableEpoch) &&
    isText(server)
  );
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.length <= LIMITS.nameBytes;
}
