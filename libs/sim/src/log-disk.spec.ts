import * as fc from 'fast-check';
import { type FoundLog, type LogEntry, type LogSnapshot, type LogWrite, MemoryDisk, MemoryLogStore } from '#consensus';
import { type RegistryError, seededRandom } from '#model';
import { VirtualClock } from './clock.js';
import { SimLogDisk } from './log-disk.js';

const entry = (index: number, term = 1): LogEntry => ({ index, term, payload: Uint8Array.of(index, term) });

/** `at` is relative to the end of the log, so that some of it is against the contract. */
const steps = fc.array(
  fc.oneof(
    fc.record({ op: fc.constant('write' as const), at: fc.integer({ min: -4, max: 2 }), count: fc.nat({ max: 3 }) }),
    fc.record({ op: fc.constant('snapshot' as const), at: fc.integer({ min: -4, max: 3 }), isOther: fc.boolean() }),
    fc.record({ op: fc.constant('vote' as const) }),
  ),
  { maxLength: 12 },
);

type Step = typeof steps extends fc.Arbitrary<(infer T)[]> ? T : never;

function writeOf(step: Step, number: number, { snapshot, entries }: FoundLog): LogWrite | LogSnapshot {
  const last = (snapshot?.index ?? 0) + entries.length;
  switch (step.op) {
    case 'vote':
      return { hardState: { term: number, vote: 'a' } };
    case 'snapshot': {
      const index = Math.max(1, last + step.at);
      const term = (entries.find((each) => each.index === index)?.term ?? 1) + (step.isOther ? 1 : 0);
      return { index, term, payload: Uint8Array.of(number) };
    }
    case 'write': {
      const from = last + 1 + step.at;
      const added = Array.from({ length: step.count }, (_, n) => entry(from + n, number));
      return { ...(step.at < 0 ? { truncateFrom: from } : {}), entries: added };
    }
  }
}

/** One disk, in time that goes on as far as needed. */
class Machine {
  readonly clock = new VirtualClock();
  readonly disk: SimLogDisk;

  constructor(seed: number) {
    this.disk = new SimLogDisk(this.clock, seededRandom(seed));
  }

  write(change: LogWrite): string {
    return this.outcome((done) => this.disk.write(change, done));
  }

  save(snapshot: LogSnapshot): string {
    return this.outcome((done) => this.disk.saveSnapshot(snapshot, done));
  }

  private outcome(ask: (done: (error?: unknown) => void) => void): string {
    const outcomes: unknown[] = [];
    try {
      ask((error) => outcomes.push(error));
    } catch {
      return 'INTERNAL';
    }
    if (outcomes.length > 0) return 'told at once';
    this.clock.runUntil(this.clock.nowMs() + 1_000);
    return outcomes.map((error) => (error as RegistryError | undefined)?.code ?? 'done').join(', ');
  }
}

async function outcomeOf(writing: Promise<void>): Promise<string> {
  return writing.then(
    () => 'done',
    (error: unknown) => (error as RegistryError).code,
  );
}

describe('SimLogDisk', () => {
  it('takes, refuses and holds what a real log store does', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (script) => {
        const machine = new Machine(1);
        const memory = new MemoryDisk();
        const store = new MemoryLogStore(memory);
        await store.open();
        for (const [i, step] of script.entries()) {
          const made = writeOf(step, i, machine.disk.open());
          const [told, expected] =
            'payload' in made
              ? [machine.save(made), store.saveSnapshot(made)]
              : [machine.write(made), store.write(made)];
          expect(told).toBe(await outcomeOf(expected));
          expect(machine.disk.open()).toEqual(await found(memory));
        }
      }),
    );
  });

  it('leaves the write that a crash falls into done or not done, and tells nobody', () => {
    const lengths = new Set<number>();
    for (let seed = 1; seed <= 20; seed++) {
      const { clock, disk } = new Machine(seed);
      let told = 0;
      disk.write({ entries: [entry(1)] }, () => told++);
      clock.runUntil(1_000);
      disk.write({ hardState: { term: 2, vote: 'a' }, entries: [entry(2), entry(3)] }, () => told++);
      disk.crash();
      clock.runUntil(2_000);
      expect(told).toBe(1);
      const { term, entries } = disk.open();
      expect([
        [0, 1],
        [2, 3],
      ]).toContainEqual([term, entries.length]);
      lengths.add(entries.length);
    }
    expect(lengths).toEqual(new Set([1, 3]));
  });

  it('fails every write from the moment it is told to until the crash', () => {
    const machine = new Machine(1);
    const outcomes = [machine.write({ entries: [entry(1)] })];
    machine.disk.fail();
    outcomes.push(machine.write({ entries: [entry(2)] }), machine.write({ entries: [entry(2)] }));
    machine.disk.crash();
    outcomes.push(machine.write({ entries: [entry(2)] }));
    expect(outcomes).toEqual(['done', 'STORE_FAILED', 'STORE_FAILED', 'done']);
    expect(machine.disk.open().entries).toEqual([entry(1), entry(2)]);
  });
});

/** What another process would find; the store itself goes on. */
function found(memory: MemoryDisk): Promise<FoundLog> {
  return new MemoryLogStore(memory.copy()).open();
}
