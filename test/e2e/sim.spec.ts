import { Script } from '../support/script.js';

/** `npm run sim`, as a person calls it. */
describe('npm run sim', () => {
  const run = async (...args: string[]): Promise<{ code: number | null; output: string }> => {
    const script = new Script('run.mjs', ['test/simulation/run/main.js', ...args], {});
    return { code: await script.exited, output: script.output };
  };

  it('runs seeds of both simulations in threads, and says what they came across', async () => {
    const { code, output } = await run('--seeds', '2', '--workers', '2');
    expect(output).toMatch(/group: 2 seeds in .*, all well\n {2}came across: elections \d/);
    expect(output).toMatch(/registry: 2 seeds in .*, all well\n {2}came across: .*publish \d/);
    expect(code).toBe(0);
  });

  it('tells the story of one seed, the same each time', async () => {
    const [first, again] = await Promise.all(
      [1, 2].map(() => run('--group', '--seed', '7', '--seeds', '1', '--trace', 'candidate . -> leader')),
    );
    expect(first).toEqual(again);
    expect(first!.output).toMatch(/^\d+\.\d+ n\d candidate 1 -> leader 1/);
    expect(first!.output).toMatch(/seed 7: all well; fingerprint \S+\n$/);
    expect(first!.code).toBe(0);
  });

  it('explains itself', async () => {
    expect(await run('--help')).toMatchObject({ code: 0, output: expect.stringContaining('--trace PATTERN') });
    expect(await run('--seeds', 'many')).toMatchObject({ code: 2, output: expect.stringContaining('whole number') });
  });
});
