import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { type Tiers, startTiers } from '../support/tiers.js';

const run = promisify(execFile);
const node = (...args: string[]) => run(process.execPath, args);

const TIERS = ['meta', 'data', 'session'] as const;

/** What somebody writes with generated types and nothing else: what is misspelt does not compile. */
const PROGRAM = `
import createClient from 'openapi-fetch';
import type { paths as Data } from './data.js';
import type { paths as Meta } from './meta.js';
import type { paths as Session } from './session.js';

const [, , metaUrl, dataUrl, sessionUrl] = process.argv;
const meta = createClient<Meta>({ baseUrl: metaUrl });
const data = createClient<Data>({ baseUrl: dataUrl });
const session = createClient<Session>({ baseUrl: sessionUrl });

const published = await session.POST('/v1/publishers', { body: { dataId: 'typed', data: ['http://127.0.0.1:1'] } });
if (published.error) throw new Error(published.error.code);
const registerId: string = published.data.registerId;

const { data: datum } = await session.GET('/v1/datums', { params: { query: { dataId: 'typed' } } });
const held = datum && 'publishers' in datum ? datum.publishers.map((each) => each.registerId) : [];

const { data: slots } = await data.GET('/v1/slots');
const { data: members } = await meta.GET('/v1/members', { params: { query: { role: 'data' } } });
const missing = await meta.GET('/v1/config/{key}', { params: { path: { key: 'nothing' } } });
const code: 'NOT_FOUND' | string | undefined = missing.error?.code;

await session.DELETE('/v1/publishers/{registerId}', { params: { path: { registerId } } });

// @ts-expect-error -- it is a list
void (() => session.POST('/v1/publishers', { body: { dataId: 'typed', data: 'x' } }));
// @ts-expect-error -- there is no such route
void (() => session.GET('/v1/datum'));
// @ts-expect-error -- there is no such role
void (() => meta.GET('/v1/members', { params: { query: { role: 'meta' } } }));

console.log(JSON.stringify([held.includes(registerId), slots?.slots.length, members?.members.length, code]));
`;

describe('clients that are generated from the OpenAPI documents', () => {
  let tiers: Tiers;
  let folder: string;

  beforeAll(async () => {
    tiers = await startTiers();
    // Below the project, where packages are found.
    folder = await mkdtemp(resolve('dist', 'generated-client-'));
  });
  afterAll(async () => {
    await tiers.close();
    await rm(folder, { recursive: true });
  });

  it('compile, refuse what is misspelt, and work', async () => {
    const urls = TIERS.map((tier) => `http://${tiers[tier].httpAddress}`);
    for (const [at, tier] of TIERS.entries()) {
      const output = join(folder, `${tier}.ts`);
      const generator = 'node_modules/openapi-typescript/bin/cli.js';
      await node(generator, `${urls[at]}/openapi.json`, '--output', output, '--default-non-nullable', 'false');
    }
    const program = join(folder, 'program.ts');
    await writeFile(program, PROGRAM);
    const settings = '--strict --module nodenext --target es2023 --skipLibCheck --types node --ignoreConfig'.split(' ');
    const compiled = node('node_modules/typescript/bin/tsc', ...settings, program);
    await compiled.catch(({ stdout }: { stdout: string }) => Promise.reject(new Error(stdout)));
    const { stdout } = await node(join(folder, 'program.js'), ...urls);
    expect(JSON.parse(stdout)).toEqual([true, 256, 1, 'NOT_FOUND']);
  }, 120_000);
});
