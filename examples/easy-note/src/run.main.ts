import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/**
 * The easy-note story, step by step, against a running registry: three services find each other, a second `note` joins,
 * the first one is killed, and the callers of `api` never see an error.
 */
const http = process.env.ROLLCALL_HTTP ?? '127.0.0.1:9603';
const children = new Set<ChildProcess>();
const recordsFolder = await mkdtemp(join(tmpdir(), 'easy-note-'));
let step = 0;

function say(text: string): void {
  console.log(`\n${++step}. ${text}`);
}

interface Service {
  child: ChildProcess;
  /** The first line it prints, which says where it listens. */
  line: string;
}

async function startService(name: string): Promise<Service> {
  const path = fileURLToPath(new URL(`./${name}.main.js`, import.meta.url));
  const child = spawn(process.execPath, [path], {
    env: { ...process.env, RECORDS: recordsFolder, PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.add(child);
  child.once('exit', () => children.delete(child));
  const lines = createInterface({ input: child.stdout });
  const first = await Promise.race([once(lines, 'line'), once(child, 'exit').then(() => undefined)]);
  if (!first) throw new Error(`${name} ended before it was ready`);
  const line = String(first[0]);
  console.log(`   ${line} (process ${child.pid})`);
  return { child, line };
}

async function stopService(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill(signal);
  await ended;
}

async function call<T>(base: string, method: string, path: string, body?: object): Promise<T> {
  const response = await fetch(`${base}${path}`, {
    method,
    ...(body ? { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } } : {}),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  return JSON.parse(text) as T;
}

async function publisherCount(dataId: string): Promise<number> {
  const datum = await call<{ publishers: unknown[] }>(`http://${http}`, 'GET', `/v1/datums?dataId=${dataId}`);
  return datum.publishers.length;
}

async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadlineMs = performance.now() + 20_000;
  while (!(await condition())) {
    if (performance.now() > deadlineMs) throw new Error(`gave up waiting until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Callers that create and read notes all the time, and count what they see. */
class Callers {
  readonly servedBy = new Map<number, number>();
  requests = 0;
  errors = 0;
  created = 0;
  private running = true;
  private readonly loops: Promise<void>[] = [];

  constructor(
    private readonly base: string,
    private readonly userId: string,
  ) {
    for (let caller = 0; caller < 4; caller++) this.loops.push(this.loop());
  }

  countOf(pid: number | undefined): number {
    return this.servedBy.get(pid ?? -1) ?? 0;
  }

  async stop(): Promise<void> {
    this.running = false;
    await Promise.all(this.loops);
  }

  private async loop(): Promise<void> {
    while (this.running) {
      try {
        this.requests++;
        const text = `note ${this.requests}`;
        const note = await call<{ servedBy: number }>(this.base, 'POST', '/notes', { userId: this.userId, text });
        this.created++;
        this.servedBy.set(note.servedBy, this.countOf(note.servedBy) + 1);
      } catch (error) {
        this.errors++;
        console.log(`   a caller saw: ${(error as Error).message}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

async function story(): Promise<boolean> {
  say('Start user, note and api. Each registers when it has started; api discovers the others.');
  await startService('user');
  const note1 = await startService('note');
  const api = await startService('api');
  const base = /http:\/\/\S+/.exec(api.line)![0];

  await until('all are registered', async () => {
    const counts = await Promise.all(['user', 'note', 'api'].map((name) => publisherCount(`easy-note.${name}`)));
    return counts.every((count) => count === 1);
  });
  console.log(`   api is healthy: ${JSON.stringify(await call(base, 'GET', '/health'))}`);

  say('Create a user and a note, and list the notes, through api.');
  const user = await call<{ id: string; name: string }>(base, 'POST', '/users', { name: 'Ada' });
  await call(base, 'POST', '/notes', { userId: user.id, text: 'hello' });
  console.log(`   notes of ${user.name}: ${JSON.stringify(await call(base, 'GET', `/users/${user.id}/notes`))}`);

  say('Four callers now create notes all the time.');
  const callers = new Callers(base, user.id);
  await until('the first note instance serves', () => callers.countOf(note1.child.pid) > 20);
  console.log(`   served by process ${note1.child.pid}: ${callers.countOf(note1.child.pid)}`);

  say('A second note instance joins; api uses it without being told.');
  const note2 = await startService('note');
  await until('the second note instance serves', () => callers.countOf(note2.child.pid) > 20);
  console.log(`   the registry lists ${await publisherCount('easy-note.note')} note instances; both serve`);

  say(`The first note instance is killed (kill -9 ${note1.child.pid}).`);
  await stopService(note1.child, 'SIGKILL');
  const before = callers.created;
  await until('the second one serves alone', () => callers.created > before + 50);
  await until('the registry has dropped the dead one', async () => (await publisherCount('easy-note.note')) === 1);
  console.log(`   ${callers.created - before} notes created since; the registry lists 1 note instance`);

  say('A third one joins, and the second one is stopped politely: it leaves the registry before it stops listening.');
  const note3 = await startService('note');
  await until('the third note instance serves', () => callers.countOf(note3.child.pid) > 20);
  await stopService(note2.child, 'SIGTERM');
  const left = await publisherCount('easy-note.note');
  console.log(`   the registry lists ${left} note instance at once`);

  await callers.stop();
  const stored = await call<unknown[]>(base, 'GET', `/users/${user.id}/notes`);
  say(`Result: ${callers.requests} requests, ${callers.errors} errors; ${stored.length} notes stored once each.`);
  return callers.errors === 0 && left === 1 && stored.length === callers.created + 1;
}

async function registryIsUp(): Promise<boolean> {
  return fetch(`http://${http}/health/ready`).then(
    (response) => response.ok,
    () => false,
  );
}

for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => {
    for (const child of children) child.kill(signal);
    process.exitCode = 130;
  });

let ok = false;
try {
  if (await registryIsUp()) ok = await story();
  else console.error(`No registry answers on http://${http}. Start one first with: npm start`);
} catch (error) {
  console.error(`The example failed: ${(error as Error).message}`);
} finally {
  await Promise.all([...children].map((child) => stopService(child, 'SIGTERM')));
  await rm(recordsFolder, { recursive: true, force: true });
}
process.exitCode = ok ? 0 : 1;
