/**
 * Whether servers of two versions may serve one cluster: those of one minor version and of the next, which are tested
 * together. Another major version is further away than any minor. A version that is not told, or is none, is of a time
 * before versions were told, and says nothing.
 */
export function areNeighbours(one: string | undefined, other: string | undefined): boolean {
  const [a, b] = [one, other].map((version) => /^(\d{1,9})\.(\d{1,9})\./.exec(version ?? ''));
  if (!a || !b) return true;
  return a[1] === b[1] && Math.abs(Number(a[2]) - Number(b[2])) <= 1;
}
