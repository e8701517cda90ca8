/** A number from the command line that is not below `least`; ends the process with what is wrong. */
export function atLeast(least: number, name: string, text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isFinite(value) && value >= least) return value;
  console.error(`--${name} must be a number of at least ${least}, not ${text}`);
  process.exit(2);
}

/** A whole number above 0 from the command line; ends the process with what is wrong. */
export function count(name: string, text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1) return value;
  console.error(`--${name} must be a whole number above 0, not ${text}`);
  process.exit(2);
}
