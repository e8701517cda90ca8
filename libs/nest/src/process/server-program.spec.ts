import { type ProgramOptions, runServerProgram } from './server-program.js';

const PROGRAM = { name: 'session', description: 'A session server.', tiers: ['session'] } as const;

describe('what can be said to a server process', () => {
  /** What is printed, said of errors, how the process ends, and whether a server was started. */
  async function run(argv: string[], yaml = '', env: Record<string, string> = {}) {
    const seen = { printed: '', errors: '', exits: [] as number[], started: false };
    const options: ProgramOptions = {
      sources: { argv, env, readFile: () => yaml },
      write: (text) => void (seen.printed += text),
      process: {
        stderr: { write: (text) => void (seen.errors += text) },
        on: () => {},
        off: () => {},
        exit: (code) => void seen.exits.push(code),
      },
    };
    const start = (): Promise<never> => {
      seen.started = true;
      throw new Error('started');
    };
    await runServerProgram(PROGRAM, start, options);
    return seen;
  }

  it('--help', async () => {
    const { printed, ...rest } = await run(['--help']);
    expect(rest).toEqual({ errors: '', exits: [], started: false });
    for (const part of [
      'Usage: session',
      PROGRAM.description,
      '--config <file>',
      '--print-config',
      'docs/configuration.md',
    ])
      expect(printed).toContain(part);
  });

  it('--print-config', async () => {
    const { printed, ...rest } = await run(['--print-config', '--config', 'a.yaml'], 'session: { zone: east }');
    expect(rest).toEqual({ errors: '', exits: [], started: false });
    expect(printed).toMatch(/^ {2}zone: east +# a\.yaml$/m);
  });

  it('--print-config, where the settings are wrong', async () => {
    const { errors, ...rest } = await run(['--print-config', '--config', 'a.yaml'], 'session: { zoen: east }');
    expect(rest).toEqual({ printed: '', exits: [1], started: false });
    expect(errors).toBe(
      'session: session.zoen is not a setting; did you mean zone? (from a.yaml) (INVALID_CONFIGURATION)\n',
    );
  });

  it.each([[[]], [['--config', 'a.yaml']]])('nothing else, and it starts: %j', async (argv) => {
    expect(await run(argv)).toMatchObject({ printed: '', started: true, exits: [1] });
  });
});
