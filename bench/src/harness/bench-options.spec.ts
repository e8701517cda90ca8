import { commandOf, helpText, optionsOf, placesOf } from './bench-options.js';
import { ENTRIES, jobOf } from './plan.js';

const SYSTEMS = ['floor', 'rollcall', 'etcd'];
const of = (...args: string[]): ReturnType<typeof optionsOf> => optionsOf(args, SYSTEMS);

describe('options of the benches', () => {
  it('measures all systems in five rounds, unless told otherwise', () => {
    expect(of()).toMatchObject({ systems: SYSTEMS, rounds: 5, entries: ENTRIES.usual, json: false });
    expect(of('--full').entries).toEqual(ENTRIES.full);
    expect(of('--quick')).toMatchObject({ rounds: 3, entries: ENTRIES.quick });
    expect(of('--quick', '--rounds', '1').rounds).toBe(1);
  });

  it('takes systems in the order in which it knows them', () => {
    expect(of('--only', 'etcd,floor').systems).toEqual(['floor', 'etcd']);
  });

  it('takes any workload that is named', () => {
    expect(of('--workload', 'churn-100k').entries.map(({ name }) => name)).toEqual(['churn-100k']);
  });

  it('has as many clients come back, and kills as often, as it is told', () => {
    const { entries } = of('--workload', 'mass-restart-1k,failover,isolated', '--clients', '7', '--kills', '2');
    const sizes = entries.map((entry) => jobOf(entry, 'etcd'));
    expect(sizes).toMatchObject([
      { workload: 'fanOut', size: { subscribers: 1 } },
      { workload: 'failover', size: { killsOfEachKind: 2 } },
      { workload: 'massRestart', size: { members: 7 } },
    ]);
  });

  it('kills Rollcall at least 200 times in five rounds, and asks nothing of what cannot do it', () => {
    const [failover] = of('--workload', 'failover').entries;
    const kills = (system: string): number =>
      (jobOf(failover!, system) as { size: { killsOfEachKind: number } }).size.killsOfEachKind;
    expect(kills('rollcall-3') * 3 * 5).toBeGreaterThanOrEqual(200);
    expect(kills('etcd') * 2 * 5).toBe(50);
    expect(['floor', 'rollcall', 'redis'].map((system) => jobOf(failover!, system))).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });

  it('goes on where it ended, for as long as it is told', () => {
    expect(of('--save', 'a.json', '--resume', '--minutes', '8')).toMatchObject({ resume: true, minutes: 8 });
    expect(of().minutes).toBe(Infinity);
  });

  it('keeps and reports what it measures, unless it is told where to keep it, and then what else to do', () => {
    const untold = { file: 'bench/results/benchmarks.json', report: 'bench/results/benchmarks.md' };
    expect(placesOf(of())).toEqual(untold);
    expect(placesOf(of('--quick', '--json'))).toEqual(untold);
    expect(placesOf(of('--save', 'a.json'))).toEqual({ file: 'a.json', report: undefined });
    expect(placesOf(of('--save', 'a.json', '--report', 'b.md'))).toEqual({ file: 'a.json', report: 'b.md' });
  });

  it.each([
    [['--only', 'etcd,consul'], /--only has consul; it may have floor, rollcall, etcd/],
    [['--workload', 'nap'], /--workload has nap; it may have register, /],
    [['--rounds', '0'], /--rounds must be a whole number of at least 1, not 0/],
    [['--rounds', 'many'], /--rounds must be a whole number/],
    [['--quick', '--full'], /exclude each other/],
    [['--report', 'a.md'], /--save/],
    [['--resume'], /--save/],
    [['--resume', '--add', '--save', 'a.json'], /exclude each other/],
    [['--minutes', '0'], /--minutes must be a whole number of at least 1, not 0/],
    [['--clients', '20000'], /--clients must be a whole number from 1 to 15000, not 20000/],
    [['--kills', ''], /--kills must be a whole number of at least 1/],
    [['--fast'], /--fast/],
  ])('refuses %j', (args, why) => {
    expect(() => of(...args)).toThrow(why);
  });

  it('writes a report of earlier results without measuring', () => {
    expect(of('--rounds', '0', '--save', 'a.json', '--report', 'a.md')).toMatchObject({ rounds: 0, report: 'a.md' });
  });

  it('tells the command that measures the same, wherever its results are kept', () => {
    expect(commandOf([])).toBe('npm run bench');
    expect(commandOf(['--save', 'a.json', '--add', '--json', '--report=a.md'])).toBe('npm run bench');
    expect(commandOf(['--full', '--resume', '--minutes', '8'])).toBe('npm run bench -- --full');
    expect(commandOf(['--quick', '--save', 'a.json', '--only', 'floor'])).toBe('npm run bench -- --quick --only floor');
  });

  it('names in its help what may be chosen', () => {
    expect(helpText(SYSTEMS)).toContain('floor,rollcall,etcd');
    for (const { name } of ENTRIES.all) expect(helpText(SYSTEMS)).toContain(name);
  });
});
