import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import type { ServerRole } from '#model';
import { configurationMarkdown } from './document.js';
import { LEAVES, SECTIONS } from './environment.js';
import { type ConfigSources, loadSettings } from './load.js';
import { describeConfig } from './print.js';

const MACHINE = {
  interfaces: () => [{ name: 'eth0', address: '10.0.0.5', internal: false }],
  resolve: async (host: string) => [host],
  towards: async () => undefined,
};

describe('the settings that count', () => {
  const yaml = 'session: { host: 0.0.0.0, zone: east }\nadmin: { token: from-the-file-0123456 }\n';
  const env = { ROLLCALL_SESSION_LIMITS_GRACE_MS: '4000', ROLLCALL_CLUSTER_META_ADDRESSES: 'a:1,b:2' };
  const sources: ConfigSources = { argv: ['--config', 'rollcall.yaml'], env, readFile: () => yaml };
  const print = (tiers: readonly ServerRole[]): Promise<string> => describeConfig(tiers, sources, MACHINE);

  it('are shown with where each came from, and without what is secret', async () => {
    const lines = (await print(['session'])).split('\n').map((line) => line.replace(/ +/g, ' '));
    expect(lines).toEqual(
      expect.arrayContaining([
        'cluster:',
        ' metaAddresses: [ a:1, b:2 ] # ROLLCALL_CLUSTER_META_ADDRESSES',
        ' slotCount: 256 # default',
        'session:',
        ' host: 0.0.0.0 # rollcall.yaml',
        ' advertisedHost: 10.0.0.5 # chosen: the only address of this machine that others may reach (eth0)',
        ' zone: east # rollcall.yaml',
        ' limits:',
        ' graceMs: 4000 # ROLLCALL_SESSION_LIMITS_GRACE_MS',
        ' # writeDeadlineMs: # not set: 1000',
        ' token: "***" # rollcall.yaml',
        ' # tokenFile: # not set',
      ]),
    );
    expect(lines.join()).not.toContain('from-the-file');
    expect(lines).not.toContain('data:');
  });

  it('are settings again when they are read', async () => {
    const printed = await print(['meta', 'data', 'session']);
    expect(Object.keys(parse(printed) as object)).toEqual([...SECTIONS.keys()]);
    const again = loadSettings({
      argv: ['--config=-'],
      env: {},
      readFile: () => printed.replace('***', 'from-the-file-0123456'),
    });
    expect(again.session).toEqual({ ...loadSettings(sources).session, advertisedHost: '10.0.0.5' });
    expect(again.data).toEqual({ ...loadSettings(sources).data, advertisedHost: '127.0.0.1' });
  });
});

describe('the documentation of settings', () => {
  it('is what the schema says', () => {
    const file = new URL('../../../../docs/configuration.md', import.meta.url);
    // Written anew by: npm run docs
    expect(readFileSync(file, 'utf8')).toBe(configurationMarkdown());
  });

  it('tells of every setting what it does, what it must be, and what counts without', () => {
    for (const { key, about } of LEAVES) {
      expect({ key, ...about }).toMatchObject({
        description: expect.stringMatching(/\.$|\)\.$/),
        rule: expect.stringMatching(/^must be /),
      });
      const isUsual = key.startsWith('admin.') || about.default !== undefined || about.absent !== undefined;
      expect({ key, isUsual }).toEqual({ key, isUsual: true });
    }
    for (const [section, { description }] of SECTIONS)
      expect({ section, description }).toHaveProperty('description', expect.any(String));
  });
});
