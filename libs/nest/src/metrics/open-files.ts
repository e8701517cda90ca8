import { existsSync, readdirSync, statSync } from 'node:fs';
import type { Metric } from 'prom-client';
import { metricsOf } from './read-metrics.js';

const FOLDER = '/proc/self/fd';

/**
 * Files and sockets that the process has open. Since 6.2 Linux tells their number as the size of a folder; before, they have to
 * be listed, which with 10,000 connections takes several milliseconds of every scrape.
 */
export function openFiles(): number {
  const { size } = statSync(FOLDER);
  // The list has the folder itself, which is open only while it is read.
  return size > 0 ? size : readdirSync(FOLDER).length - 1;
}

/** As prom-client has it, which lists them always; nothing where there is no such folder. */
export function openFilesMetric(count: () => number = openFiles): Metric[] {
  if (!existsSync(FOLDER)) return [];
  // To list them takes one more file. Where there is none left, that is the time to be scraped.
  const ifCounted = (): number | undefined => {
    try {
      return count();
    } catch {
      return undefined;
    }
  };
  return [metricsOf(ifCounted).gauge('process_open_fds', 'Number of open file descriptors.', (files) => files)];
}
