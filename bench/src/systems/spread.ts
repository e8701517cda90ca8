/** Does something with each number below `count`, `atOnce` of them at any time. */
export async function spread(count: number, atOnce: number, work: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, count) }, worker));
}

/** One of a list for each number, evenly. */
export function pick<T>(list: readonly T[], index: number): T {
  return list[index % list.length]!;
}
