/** Something that happened as it was meant to, and is worth a line. */
export interface Fact {
  level: 'info';
  means: string;
}

/** Something that somebody should look at: soon (`warn`), or now (`error`). */
export interface Trouble {
  level: 'warn' | 'error';
  means: string;
  /** What to do about it, and what helps to. */
  act: string;
  /** The alert of deploy/prometheus/alerts.yml that goes with it. */
  alert?: string;
}

export type LogEvent = Fact | Trouble;

export function fact(means: string) {
  return { level: 'info', means } as const;
}

/** Nobody need be woken; whoever reads the log should see to it. */
export function warning(means: string, act: string, alert?: string) {
  return { level: 'warn', means, act, ...(alert === undefined ? {} : { alert }) } as const;
}

/** It does not mend by itself, or something has broken that must not: somebody must act. */
export function trouble(means: string, act: string, alert?: string) {
  return { level: 'error', means, act, ...(alert === undefined ? {} : { alert }) } as const;
}
