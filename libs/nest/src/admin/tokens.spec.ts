import { mkdtemp, rm, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger } from '../host/logger.js';
import { AdminTokens } from './tokens.js';

const [OLD, NEW, OTHER] = ['old-0123456789abcdef', 'new-0123456789abcdef', 'other-0123456789abcdef'];

describe('admin tokens', () => {
  let folder: string;
  let tokenFile: string;
  let lines: string[];
  let nowMs: number;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rollcall-tokens-'));
    tokenFile = join(folder, 'admin.token');
    lines = [];
    nowMs = 5_000;
  });
  afterEach(() => rm(folder, { recursive: true }));

  const open = (settings: { token?: string; tokenFile?: string }): Promise<AdminTokens> =>
    AdminTokens.open(
      settings,
      createLogger({ tier: 'meta', level: 'debug', format: 'json', write: (line) => lines.push(line) }),
      () => nowMs,
    );
  const accepted = async (tokens: AdminTokens): Promise<string[]> => {
    const each = await Promise.all(
      [OLD, NEW, OTHER].map(async (token) => ((await tokens.accept([token])) ? [token] : [])),
    );
    return each.flat();
  };
  const later = (): void => void (nowMs += 1_000);

  it('are not needed where none is set', async () => {
    const tokens = await open({});
    expect([tokens.areNeeded, await accepted(tokens)]).toEqual([false, []]);
  });

  it('are the one of the settings beside all of the file', async () => {
    await writeFile(tokenFile, `# of the operators\n${OLD}\n\n  ${NEW}\r\n`);
    const tokens = await open({ token: OTHER, tokenFile });
    expect([tokens.areNeeded, await accepted(tokens)]).toEqual([true, [OLD, NEW, OTHER]]);
    expect(await tokens.all()).toEqual([OTHER, OLD, NEW]);
    for (const wrong of [[], [''], [`${OLD}x`], [OLD.slice(0, -1)], ['#'], [OLD.toUpperCase()]])
      expect(await tokens.accept(wrong)).toBe(false);
    expect(await tokens.accept(['wrong', NEW])).toBe(true);
  });

  it('are replaced without a restart, with a time in which both count', async () => {
    await writeFile(tokenFile, OLD);
    const tokens = await open({ tokenFile });
    expect(await accepted(tokens)).toEqual([OLD]);
    await writeFile(tokenFile, `${OLD}\n${NEW}`);
    later();
    expect(await accepted(tokens)).toEqual([OLD, NEW]);
    await writeFile(tokenFile, NEW);
    expect(await accepted(tokens)).toEqual([OLD, NEW]);
    later();
    expect(await accepted(tokens)).toEqual([NEW]);
  });

  it('stay when the file cannot be read or holds something else, which is told once', async () => {
    await writeFile(tokenFile, OLD);
    const tokens = await open({ tokenFile });
    const still = async (): Promise<void> => {
      for (let times = 0; times < 3; times++) {
        later();
        expect(await accepted(tokens)).toEqual([OLD]);
      }
    };
    await unlink(tokenFile);
    await still();
    for (const content of ['', `${NEW}\n\nnot a token`, 'x'.repeat(70_000), Array(17).fill(NEW).join('\n')]) {
      await writeFile(tokenFile, content);
      await still();
    }
    await writeFile(tokenFile, NEW);
    later();
    expect(await accepted(tokens)).toEqual([NEW]);
    const told = lines.map((line) => JSON.parse(line) as { event: string; problem?: string; tokens?: number });
    expect(told.map(({ event, problem, tokens: count }) => [event, problem ?? count])).toEqual([
      ['admin-tokens-kept', 'cannot be read (ENOENT)'],
      ['admin-tokens-kept', 'holds no token'],
      ['admin-tokens-kept', 'has something else in line 3'],
      ['admin-tokens-kept', 'is too long'],
      ['admin-tokens-kept', 'holds more than 16 tokens'],
      ['admin-tokens-changed', 1],
    ]);
    for (const secret of [OLD, NEW, 'not a token']) expect(lines.join('')).not.toContain(secret);
  });

  it('must be there at the start', async () => {
    const refusal = async (): Promise<object> =>
      open({ tokenFile }).then(
        () => ({}),
        (error: object) => error,
      );
    const expected = (problem: string): object => ({
      code: 'INVALID_CONFIGURATION',
      message: expect.stringMatching(`admin.tokenFile is ${tokenFile}, which ${problem}: it holds a token a line`),
    });
    expect(await refusal()).toMatchObject(expected(String.raw`cannot be read \(ENOENT\)`));
    await writeFile(tokenFile, '\n');
    expect(await refusal()).toMatchObject(expected('holds no token'));
    await writeFile(tokenFile, 'short');
    expect(await refusal()).toMatchObject(expected('has something else in line 1'));
    expect(String(await refusal())).not.toContain('short');
  });
});
