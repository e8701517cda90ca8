import { setTimeout } from 'node:timers/promises';

const SCRAPES = 30;
const PAUSE_MS = 100;

/** What it costs a server that Prometheus asks for its metrics. */
export interface Scrapes {
  bytes: number;
  p50Ms: number;
  maxMs: number;
  /** Processor time of all threads for one. Its event loop stands still for that long at most. */
  cpuMs: number;
}

/** Of a server that has nothing else to do. */
export async function scrapesOf({ httpAddress }: { httpAddress: string }): Promise<Scrapes> {
  const tookMs: number[] = [];
  const scrape = async (): Promise<string> => (await fetch(`http://${httpAddress}/metrics`)).text();
  const idle = await cpuMsOf(scrape, SCRAPES, false);
  const asked = await cpuMsOf(
    async () => {
      const startedAtMs = performance.now();
      const text = await scrape();
      tookMs.push(performance.now() - startedAtMs);
      return text;
    },
    SCRAPES,
    true,
  );
  const sorted = tookMs.toSorted((a, b) => a - b);
  return {
    bytes: asked.text.length,
    p50Ms: sorted[sorted.length >> 1]!,
    maxMs: sorted.at(-1)!,
    cpuMs: (asked.cpuMs - idle.cpuMs) / SCRAPES,
  };
}

/** Over as many pauses, with something in each, or with nothing to compare it with. */
async function cpuMsOf(
  scrape: () => Promise<string>,
  times: number,
  isEach: boolean,
): Promise<{ text: string; cpuMs: number }> {
  let text = await scrape();
  const before = usedMs(text);
  for (let i = 0; i < times; i++) {
    await setTimeout(PAUSE_MS);
    if (isEach) text = await scrape();
  }
  text = await scrape();
  return { text, cpuMs: usedMs(text) - before };
}

function usedMs(text: string): number {
  return Number(/^process_cpu_seconds_total (\S+)$/m.exec(text)![1]) * 1000;
}
