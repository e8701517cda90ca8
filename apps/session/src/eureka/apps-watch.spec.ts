import type { Catalogue } from '#eureka';
import { type Publication, RegistryError } from '#model';
import type { PushFrame, SessionRequest } from '#registry';
import { encodeBody } from '#wire';
import type { ConnectionSink, SessionHost } from '../session.host.js';
import { AppsWatch, dataInfoIdOf } from './apps-watch.js';
import type { NamesRead } from './cluster-names.js';

const VERSION = { leaderEpoch: 1, sequence: 1 };

function publication(registerId: string, host: string, version = 1): Publication {
  return {
    ...{ registerId, dataInfoId: dataInfoIdOf('user'), zone: 'z', appName: '', registerTimestamp: 1 },
    ...{ stamp: [1, version, 1], owner: { kind: 'leased', leaseMs: 1_000 } },
    body: encodeBody({ data: [`http://${host}:1`] }),
  };
}

function frame(type: 'snapshot' | 'partial', publications: Publication[], removed: string[] = []): PushFrame {
  const head = { dataInfoId: dataInfoIdOf('user'), clusterId: 'c', version: VERSION, publications };
  return type === 'snapshot' ? { type, ...head, hash: '' } : { type, ...head, removed };
}

/** A session server whose answers the test gives. */
class Host {
  readonly asked: string[] = [];
  refusal: RegistryError | undefined;
  private sink: ConnectionSink | undefined;
  private connections = 0;

  connect(_address: string, sink: ConnectionSink): number {
    this.sink = sink;
    return ++this.connections;
  }

  disconnect(): void {}

  request(connection: number, request: SessionRequest): Promise<object> {
    if (this.refusal) return Promise.reject(this.refusal);
    this.asked.push(`${request.kind} ${(request as { subscriptionId: string }).subscriptionId} ${connection}`);
    return Promise.resolve({ kind: 'done' });
  }

  push(what: PushFrame): void {
    this.sink!.push(what.dataInfoId, what);
  }

  restart(): void {
    this.sink!.close('The server goes on as another incarnation.');
  }
}

/** Time that passes when the test says so. */
class Clock {
  private ms = 0;
  private timers: { atMs: number; run: () => void }[] = [];

  readonly nowMs = (): number => this.ms;

  readonly at = (atMs: number, run: () => void): (() => void) => {
    const timer = { atMs, run };
    this.timers.push(timer);
    return () => void (this.timers = this.timers.filter((each) => each !== timer));
  };

  get waiting(): number {
    return this.timers.length;
  }

  pass(ms: number): void {
    this.ms += ms;
    const due = this.timers.filter(({ atMs }) => atMs <= this.ms);
    this.timers = this.timers.filter((each) => !due.includes(each));
    for (const { run } of due) run();
  }
}

describe('what a session server knows of all applications', () => {
  let host: Host;
  let names: NamesRead | Error;
  let watch: AppsWatch;
  let clock: Clock;

  beforeEach(() => {
    host = new Host();
    names = { dataIds: ['user'], areAll: true };
    const read = () => (names instanceof Error ? Promise.reject(names) : Promise.resolve(names));
    clock = new Clock();
    watch = new AppsWatch(host as unknown as SessionHost, { read } as never, clock);
  });

  const turn = () => new Promise((resolve) => setImmediate(resolve));
  const hosts = (catalogue: Catalogue): string[] =>
    catalogue.all().applications.flatMap(({ instances }) => instances.map(({ hostName }) => hostName));
  /** Asks, and is told this meanwhile. */
  async function ask(...pushes: PushFrame[]): Promise<string[]> {
    const answer = watch.current();
    // It may be refused before it is awaited.
    answer.catch(() => undefined);
    await turn();
    for (const each of pushes) host.push(each);
    return hosts(await answer);
  }

  it('waits for what is published under a name, and subscribes to it once', async () => {
    expect(await ask(frame('snapshot', [publication('a', 'h1')]))).toEqual(['h1']);
    expect(await ask()).toEqual(['h1']);
    expect(host.asked).toEqual([`subscribe ${dataInfoIdOf('user')} 1`]);
    host.push(frame('snapshot', []));
    expect(await ask()).toEqual([]);
    expect(watch.peek('user', 'a')).toBeUndefined();
  });

  it('takes nothing away for a list that is not complete, but for what it says was removed', async () => {
    await ask(frame('snapshot', [publication('a', 'h1'), publication('b', 'h2')]));
    expect(await ask(frame('partial', [publication('c', 'h3')]))).toEqual(['h1', 'h2', 'h3']);
    expect(await ask(frame('partial', [], ['b']))).toEqual(['h1', 'h3']);
    expect(await ask(frame('snapshot', [publication('c', 'h3')]))).toEqual(['h3']);
  });

  it('is told once of what comes anew and is the same', async () => {
    await ask(frame('snapshot', [publication('a', 'h1')]));
    const { state } = await watch.current();
    host.push(frame('snapshot', [publication('a', 'h1')]));
    expect((await watch.current()).state).toBe(state);
    host.push(frame('snapshot', [publication('a', 'h9', 2)]));
    expect((await watch.current()).state).toBeGreaterThan(state);
  });

  it('subscribes again as another incarnation, and shows until then what it knew', async () => {
    await ask(frame('snapshot', [publication('a', 'h1')]));
    host.restart();
    expect(watch.peek('user', 'a')).toBeUndefined();
    expect(await ask(frame('partial', [publication('b', 'h2')]))).toEqual(['h1', 'h2']);
    expect(host.asked).toEqual([1, 2].map((connection) => `subscribe ${dataInfoIdOf('user')} ${connection}`));
  });

  it('is no answer before everything is known, and is one when names cannot be read later', async () => {
    names = { dataIds: ['user'], areAll: false };
    await expect(ask(frame('snapshot', [publication('a', 'h1')]))).rejects.toMatchObject({ code: 'PENDING' });
    names = { dataIds: ['user'], areAll: true };
    expect(await ask()).toEqual(['h1']);
    names = { dataIds: [], areAll: false };
    expect(await ask()).toEqual(['h1']);
    names = new RegistryError('NOT_READY');
    expect(await ask()).toEqual(['h1']);
    names = new RegistryError('OVERLOADED');
    await expect(ask()).rejects.toMatchObject({ code: 'OVERLOADED' });
  });

  it('sends its clients elsewhere while this server is drained', async () => {
    host.refusal = new RegistryError('SHUTTING_DOWN');
    await expect(ask()).rejects.toMatchObject({ code: 'SHUTTING_DOWN' });
    host.refusal = undefined;
    expect(await ask(frame('snapshot', [publication('a', 'h1')]))).toEqual(['h1']);
  });

  it('is held for ten minutes after somebody has asked for it, and until this server stops', async () => {
    await ask(frame('snapshot', [publication('a', 'h1')]));
    clock.pass(6 * 60_000);
    expect(await ask()).toEqual(['h1']);
    clock.pass(6 * 60_000);
    expect(watch.peek('user', 'a')).toBeDefined();
    clock.pass(4 * 60_000);
    expect(watch.peek('user', 'a')).toBeUndefined();
    expect(await ask(frame('snapshot', [publication('b', 'h2')]))).toEqual(['h2']);
    expect(clock.waiting).toBe(1);
    watch.rest();
    expect([watch.peek('user', 'b'), clock.waiting]).toEqual([undefined, 0]);
  });

  it('is not waited for longer than clients do', async () => {
    const refusal = watch.current().catch((error: unknown) => error);
    await turn();
    clock.pass(5_000);
    expect(await refusal).toMatchObject({ code: 'PENDING' });
  });

  it('has a name for as long as its end is told, and then leaves it', async () => {
    await ask(frame('snapshot', [publication('a', 'h1')]));
    host.push(frame('snapshot', []));
    names = { dataIds: [], areAll: true };
    clock.pass(179_999);
    await ask();
    expect(host.asked).toHaveLength(1);
    clock.pass(1);
    await ask();
    expect(host.asked.at(-1)).toBe(`unsubscribe ${dataInfoIdOf('user')} 1`);
  });
});
