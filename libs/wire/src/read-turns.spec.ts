import { PATIENCE_MS, ReadTurns, SHARE } from './read-turns.js';

/** An event loop whose turns end, and in which time passes, when it is told so. */
class ManualTurns {
  private now = 1_000;
  private after: (() => void)[] = [];

  nowMs = (): number => this.now;
  afterTurn = (run: () => void): void => void this.after.push(run);

  /** @param ms that the turn takes */
  endTurn(ms = 0): void {
    this.now += ms;
    for (const run of this.after.splice(0)) run();
  }

  get isAsked(): boolean {
    return this.after.length > 0;
  }
}

describe('what comes behind reading', () => {
  let turns: ManualTurns;
  let reading: ReadTurns;
  let done: number[];

  beforeEach(() => {
    turns = new ManualTurns();
    reading = new ReadTurns(turns);
    done = [];
  });

  const wait = (...numbers: number[]): void => {
    for (const each of numbers) reading.behind(() => void done.push(each));
  };

  it('is done in the next turn, where nothing more is read', () => {
    wait(1, 2, 3);
    turns.endTurn();
    expect(done).toEqual([]);
    turns.endTurn();
    expect(done).toEqual([1, 2, 3]);
    expect(turns.isAsked).toBe(false);
  });

  it('waits for as long as there is something to read in every turn, and what came last waits no less', () => {
    wait(1);
    for (let turn = 0; turn < 5; turn++) {
      turns.endTurn();
      reading.noteRead();
      wait(2 + turn);
      turns.endTurn();
      expect(done).toEqual([]);
      reading.noteRead();
    }
    turns.endTurn();
    expect(done).toEqual([]);
    turns.endTurn();
    expect(done).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it('waits no longer than for so long, even if there is always something to read', () => {
    wait(1);
    turns.endTurn(PATIENCE_MS - 1);
    reading.noteRead();
    expect(done).toEqual([]);
    turns.endTurn(1);
    expect(done).toEqual([1]);
  });

  it('is a share a turn where there is much of it, in order, and reading comes between', () => {
    const all = Array.from({ length: 3 * SHARE }, (_, i) => i);
    wait(...all);
    turns.endTurn();
    turns.endTurn();
    expect(done).toEqual(all.slice(0, SHARE));
    reading.noteRead();
    turns.endTurn();
    expect(done).toHaveLength(SHARE);
    turns.endTurn();
    expect(done).toEqual(all.slice(0, 2 * SHARE));
    turns.endTurn();
    expect(done).toEqual(all);
    expect(turns.isAsked).toBe(false);
  });

  it('goes on behind one that throws', () => {
    reading.behind(() => {
      throw new Error('as planned');
    });
    wait(1);
    turns.endTurn();
    expect(() => turns.endTurn()).toThrow('as planned');
    turns.endTurn();
    expect(done).toEqual([1]);
  });

  it('is behind reading, too, where it comes of what was itself behind it', () => {
    reading.behind(() => wait(1));
    turns.endTurn();
    turns.endTurn();
    turns.endTurn();
    expect(done).toEqual([]);
    turns.endTurn();
    expect(done).toEqual([1]);
  });

  it('waits anew for what comes later', () => {
    wait(1);
    turns.endTurn();
    turns.endTurn();
    wait(2);
    turns.endTurn();
    expect(done).toEqual([1]);
    turns.endTurn();
    expect(done).toEqual([1, 2]);
  });
});
