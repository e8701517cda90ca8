import { VirtualClock } from './clock.js';
import { SimLog } from './consensus.js';
import { SimDisk } from './disk.js';
import { SimProcess } from './process.js';

/** Adds numbers up. */
const machine = {
  initial: (): number => 0,
  apply: (state: number, command: number): { state: number; result: string } => ({
    state: state + command,
    result: `${state} + ${command}`,
  }),
};

class Life {
  readonly process: SimProcess;
  readonly heard: string[] = [];
  readonly log: SimLog<number, number, string>;

  constructor(
    private readonly clock: VirtualClock,
    private readonly disk: SimDisk,
  ) {
    this.process = new SimProcess('meta', clock);
    this.log = new SimLog(
      machine,
      disk,
      this.process,
      {
        leadership: (term, leading) => this.heard.push(`term ${term} ${leading}`),
        committed: (index, state) => this.heard.push(`${index}: ${state}`),
        proposed: (sequence, outcome) =>
          this.heard.push(`#${sequence} ${outcome.ok ? outcome.result : outcome.message}`),
      },
      () => clock.nowMs(),
      () => 2,
    );
    this.log.start();
  }

  crash(): void {
    this.process.die();
    this.disk.crash();
  }

  run(ms: number): this {
    this.clock.runUntil(this.clock.nowMs() + ms);
    return this;
  }
}

describe('SimLog', () => {
  it('commits in order and tells the state before the result', () => {
    const clock = new VirtualClock();
    const life = new Life(clock, new SimDisk(clock, 3)).run(10);
    life.log.propose(1, 5);
    life.log.propose(2, 7);
    life.run(10);
    expect(life.heard).toEqual(['0: 0', 'term 1 true', '1: 5', '#1 0 + 5', '2: 12', '#2 5 + 7']);
  });

  it('recovers what was committed under a new term, whether or not its proposer heard of it', () => {
    const clock = new VirtualClock();
    const disk = new SimDisk(clock, 3);
    const first = new Life(clock, disk).run(10);
    first.log.propose(1, 5);
    first.run(2.1);
    first.log.propose(2, 7);
    first.crash();
    expect(first.heard).toEqual(['0: 0', 'term 1 true', '1: 5']);
    const second = new Life(clock, disk).run(10);
    expect(second.heard).toEqual(['1: 5', 'term 2 true']);
  });

  it('refuses before it leads', () => {
    const clock = new VirtualClock();
    const life = new Life(clock, new SimDisk(clock, 3));
    life.log.propose(1, 5);
    expect(life.run(1).heard).toEqual(['0: 0', '#1 not leading']);
  });
});

describe('SimDisk', () => {
  it('keeps what was synced or had the time, and loses the rest in a crash', () => {
    const clock = new VirtualClock();
    const disk = new SimDisk(clock, 3);
    disk.writeSync('run', 1);
    disk.write('table', { epoch: 1 });
    clock.runUntil(5);
    disk.write('table', { epoch: 2 });
    clock.runUntil(6);
    disk.crash();
    clock.runUntil(100);
    expect([disk.read('run'), disk.read('table')]).toEqual([1, { epoch: 1 }]);
    disk.wipe();
    expect(disk.read('run')).toBeUndefined();
  });
});
