import { type Reader, ReadTurns } from './read-turns.js';

/** Each chunk costs the time that it names; the loop goes round when told. */
class Loop {
  nowMs = 0;
  readonly late: number[] = [];
  readonly done: string[] = [];
  private waiting: (() => void)[] = [];
  readonly turns = new ReadTurns({
    nowMs: () => this.nowMs,
    later: (run) => void this.waiting.push(run),
    onLate: (lateMs) => void this.late.push(lateMs),
  });

  connection(name: string): Reader & { isOver: boolean; isHeldBack: boolean; says(what: string): void } {
    const reader = {
      isOver: false,
      isHeldBack: false,
      holdBack: () => void (reader.isHeldBack = true),
      readOn: () => void (reader.isHeldBack = false),
      receive: (chunk: Buffer): void => {
        this.nowMs += Number(/\d+$/.exec(chunk.toString())?.[0] ?? 0);
        this.done.push(`${name} ${chunk.toString().slice(0, 20)}`);
      },
      says: (what: string): void => this.turns.read(reader, Buffer.from(what)),
    };
    return reader;
  }

  /** All else that an event loop does between two turns. */
  goRound(): void {
    this.done.push('all else');
    for (const run of this.waiting.splice(0)) run();
  }

  get isQuiet(): boolean {
    return this.waiting.length === 0;
  }
}

const MANY = Array.from({ length: 7 }, (_, i) => `c${i}`);

describe('ReadTurns', () => {
  it('reads at once what comes alone', () => {
    const loop = new Loop();
    const connection = loop.connection('c');
    for (const what of ['hello 10', 'publish 10', 'subscribe 10']) {
      connection.says(what);
      loop.goRound();
    }
    expect(loop.done).toEqual(['c hello 10', 'all else', 'c publish 10', 'all else', 'c subscribe 10', 'all else']);
    expect(loop.isQuiet).toBe(true);
    expect(loop.late).toEqual([]);
  });

  it('lets all else go on between turns when more comes at once than fits into one, and reads all of it in order', () => {
    const loop = new Loop();
    for (const name of MANY) loop.connection(name).says('hello 10');
    expect(loop.turns.waiting).toBe(4);
    while (!loop.isQuiet) loop.goRound();
    const hellos = MANY.map((name) => `${name} hello 10`);
    expect(loop.done).toEqual([
      ...[...hellos.slice(0, 3), 'all else'],
      ...[...hellos.slice(3, 4), 'all else'],
      ...hellos.slice(4),
    ]);
    expect(loop.turns.waiting).toBe(0);
  });

  it('has newcomers wait behind those who wait, each with all that it has said', () => {
    const loop = new Loop();
    const [first, second, third] = ['first', 'second', 'third'].map((name) => loop.connection(name));
    loop.connection('busy').says('hello 30');
    first!.says('hello 1');
    second!.says('hello 1');
    third!.says('hello 1');
    first!.says('publish 1');
    while (!loop.isQuiet) loop.goRound();
    expect(loop.done.filter((each) => each !== 'all else')).toEqual([
      ...['busy hello 30', 'first hello 1', 'first publish 1', 'second hello 1', 'third hello 1'],
    ]);
  });

  it('says for how long what it reads has waited, from a tenth of a second on', () => {
    const loop = new Loop();
    for (const name of MANY) loop.connection(name).says('hello 60');
    while (!loop.isQuiet) loop.goRound();
    expect(loop.late).toEqual([120, 180, 240, 300]);
  });

  it('leaves out whoever has gone meanwhile', () => {
    const loop = new Loop();
    loop.connection('busy').says('hello 100');
    const gone = loop.connection('gone');
    gone.says('hello 100');
    gone.isOver = true;
    while (!loop.isQuiet) loop.goRound();
    expect(loop.done).not.toContain('gone hello 100');
    expect(loop.turns.waiting).toBe(0);
  });

  it('holds little of each connection: of who sends more the rest stays where it is until it is read', () => {
    const loop = new Loop();
    loop.connection('busy').says('hello 100');
    const large = loop.connection('large');
    const other = loop.connection('other');
    large.says('first 1');
    large.says('x'.repeat(64 * 1024));
    other.says('hello 1');
    expect([large.isHeldBack, other.isHeldBack]).toEqual([true, false]);
    while (!loop.isQuiet) loop.goRound();
    expect(large.isHeldBack).toBe(false);
    expect(loop.done.filter((each) => each !== 'all else')).toEqual([
      ...['busy hello 100', 'large first 1', `large ${'x'.repeat(20)}`, 'other hello 1'],
    ]);
  });

  it('holds little of all together', () => {
    const loop = new Loop();
    loop.connection('busy').says('hello 100');
    const many = Array.from({ length: 1_100 }, (_, i) => loop.connection(`c${i}`));
    for (const connection of many) connection.says('x'.repeat(60 * 1024));
    expect(many.filter(({ isHeldBack }) => isHeldBack).length).toBeGreaterThan(5);
    while (!loop.isQuiet) loop.goRound();
    expect(many.filter(({ isHeldBack }) => isHeldBack)).toEqual([]);
    expect(loop.done.filter((each) => each !== 'all else')).toHaveLength(1_101);
  });
});
