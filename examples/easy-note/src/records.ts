import { appendFile, mkdir, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * An append-only file of JSON lines, shared by all instances of a service: the stand-in for a database. A line is
 * shorter than what the kernel appends at once, so that writers never tear each other's lines. A record written twice under
 * the same id, as a repeated request does, counts once.
 */
export class Records<T extends { id: string }> {
  constructor(private readonly path: string) {}

  async add(record: T): Promise<T> {
    const known = (await this.all()).find((other) => other.id === record.id);
    if (known) return known;
    await mkdir(dirname(this.path), { recursive: true });
    await appendFile(this.path, `${JSON.stringify(record)}\n`);
    return record;
  }

  async all(): Promise<T[]> {
    const text = await readFile(this.path, 'utf8').catch(() => '');
    const byId = new Map<string, T>();
    for (const line of text.split('\n')) {
      if (line === '') continue;
      const record = JSON.parse(line) as T;
      if (!byId.has(record.id)) byId.set(record.id, record);
    }
    return [...byId.values()];
  }
}
