/** One of the things that must hold for a server to serve. It holds unless something is waited for, said in a few words. */
export interface Check {
  readonly name: string;
  readonly waitingFor?: string | undefined;
}

/** What is waited for first; undefined where everything holds. */
export function missingOf(checks: readonly Check[]): string | undefined {
  return checks.find(({ waitingFor }) => waitingFor !== undefined)?.waitingFor;
}
