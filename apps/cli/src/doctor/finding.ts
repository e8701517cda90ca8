/** `critical`: somebody is not served, or data is in danger. `warning`: that may come. `notice`: good to know, and not wrong. */
export type Severity = 'critical' | 'warning' | 'notice';

/** Something that an operator should know, and what to do about it. */
export interface Finding {
  severity: Severity;
  /** Stable, for scripts. */
  code: string;
  /** What it is about: a server, a slot, or the cluster. */
  subject: string;
  /** What was found, what it means, and what to do. */
  what: string;
  meaning: string;
  advice: string;
}

const ORDER: readonly Severity[] = ['critical', 'warning', 'notice'];

export function bySeverity(a: Finding, b: Finding): number {
  return ORDER.indexOf(a.severity) - ORDER.indexOf(b.severity);
}

export function isWrong({ severity }: Finding): boolean {
  return severity !== 'notice';
}

/** The first few by name, and how many more. */
export function some(names: readonly (string | number)[], most = 5): string {
  const more = names.length - most;
  return `${names.slice(0, most).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
