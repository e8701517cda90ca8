import type { Publisher, RegistryClient } from '#client';

/** Instances of one service. */
export const PER_SERVICE = 100;
/** Some 200 bytes, as an instance tells of itself; what follows makes it another. */
export const DATA = `tcp://10.20.30.40:20880?application=shop&weight=100&version=1.0.0&timestamp=1700000000000&methods=${'find,'.repeat(18)}`;
const REPORT_EVERY = 100_000;

/** The service of an instance. */
export function serviceOf(index: number): string {
  return `service-${Math.floor(index / PER_SERVICE)}`;
}

/** Publishes what is missing until there are so many, through all of the clients in turn. */
export async function publish(
  clients: RegistryClient[],
  publishers: Publisher[],
  upTo: number,
  atOnce: number,
): Promise<void> {
  let next = publishers.length;
  const worker = async (): Promise<void> => {
    while (next < upTo) {
      const index = next++;
      const client = clients[index % clients.length]!;
      publishers.push(await client.publish({ dataId: serviceOf(index), data: [`${DATA}0`] }));
      if (publishers.length % REPORT_EVERY === 0) console.error(`${publishers.length} published`);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}
