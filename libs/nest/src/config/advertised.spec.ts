import type { ServerRole } from '#model';
import { createLogger } from '../host/logger.js';
import { advertise } from './advertised.js';
import { loadConfig } from './load.js';
import type { NetworkInterface, Surroundings } from './surroundings.js';

const LO = { name: 'lo', address: '127.0.0.1', internal: true };
const ETH0 = { name: 'eth0', address: '10.0.0.5', internal: false };
const ETH1 = { name: 'eth1', address: '192.168.7.5', internal: false };
const DOCKER = { name: 'docker0', address: '172.17.0.1', internal: false };
const INSIDE = { name: 'eth0', address: '172.17.0.2', internal: false };
const V6 = { name: 'eth0', address: 'fd00::5', internal: false };
const LINK_LOCAL = { name: 'eth0', address: 'fe80::5', internal: false };

interface Machine {
  interfaces?: NetworkInterface[];
  /** Addresses of names, beside those that are addresses themselves. */
  names?: Record<string, string[]>;
  /** From where which host is reached. */
  routes?: Record<string, string>;
}

function surroundings({ interfaces = [LO, ETH0], names = {}, routes = {} }: Machine): Surroundings {
  return {
    interfaces: () => interfaces,
    resolve: async (host) => names[host] ?? (/^[\d.]+$|:/.test(host) ? [host] : []),
    towards: async (host) => routes[host],
  };
}

async function advertised(tier: ServerRole, settings: Record<string, string>, machine: Machine = {}) {
  const lines: Record<string, unknown>[] = [];
  const logger = createLogger({
    tier,
    level: 'info',
    format: 'json',
    write: (line) => lines.push(JSON.parse(line) as Record<string, unknown>),
  });
  const env = { ROLLCALL_ADMIN_TOKEN: 'a-token-of-the-operators', ...settings };
  const config = await advertise(loadConfig(tier, { env, argv: [] }), logger, surroundings(machine));
  expect(lines).toHaveLength(1);
  const { level, event, reason, doubt, advice } = lines[0]!;
  const isDoubtful = level === 'warn' && event === 'advertised-address-doubtful';
  expect(isDoubtful || (level === 'info' && event === 'advertised-address')).toBe(true);
  return { host: config.advertisedHost, reason, ...(isDoubtful ? { doubt, advice } : {}), cluster: config.cluster };
}

describe('the address that a server tells others', () => {
  const ANY = { ROLLCALL_DATA_HOST: '0.0.0.0', ROLLCALL_SESSION_HOST: '0.0.0.0', ROLLCALL_META_HOST: '0.0.0.0' };
  const META = { ROLLCALL_CLUSTER_META_ADDRESSES: '10.0.0.1:9610,10.0.0.2:9610' };

  it('is the one of the settings, or the one on which it listens', async () => {
    expect(await advertised('data', {})).toMatchObject({ host: '127.0.0.1', reason: 'data.host' });
    const settings = { ...META, ROLLCALL_DATA_HOST: '10.0.0.5' };
    expect(await advertised('data', settings)).toMatchObject({ host: '10.0.0.5', reason: 'data.host' });
    const told = { ...settings, ...ANY, ROLLCALL_DATA_ADVERTISED_HOST: 'data-1.example' };
    expect(await advertised('data', told)).toMatchObject({ host: 'data-1.example', reason: 'data.advertisedHost' });
  });

  it('is the one by which meta is reached, where it listens on every interface', async () => {
    const machine = { interfaces: [LO, ETH0, ETH1, DOCKER], routes: { '10.0.0.2': '192.168.7.5' } };
    expect(await advertised('session', { ...ANY, ...META }, machine)).toMatchObject({
      host: '192.168.7.5',
      reason: 'meta at 10.0.0.2:9610 is reached by it',
    });
  });

  it('is the one that the list of meta servers names, of a meta server, as it is spelled there', async () => {
    const machine = { interfaces: [LO, ETH0, ETH1], names: { 'meta-1': ['10.0.0.9'], 'meta-2': ['10.0.0.5'] } };
    const settings = { ...ANY, ROLLCALL_CLUSTER_META_ADDRESSES: 'meta-1:9610,meta-2:9610,10.0.0.5:9999' };
    expect(await advertised('meta', settings, machine)).toMatchObject({
      host: 'meta-2',
      reason: 'cluster.metaAddresses names it',
    });
  });

  it('is the only one there is that others may reach', async () => {
    const reason = 'the only address of this machine that others may reach (eth0)';
    const machine = { interfaces: [LO, DOCKER, LINK_LOCAL, ETH0, V6] };
    expect(await advertised('data', ANY, machine)).toMatchObject({ host: '10.0.0.5', reason });
    const version6 = { interfaces: [LO, DOCKER, LINK_LOCAL, V6] };
    const anyOf6 = { ROLLCALL_DATA_HOST: '::', ROLLCALL_META_HOST: '::' };
    expect(await advertised('data', anyOf6, { interfaces: [LO, LINK_LOCAL, V6] })).toMatchObject({
      host: 'fd00::5',
      reason,
    });
    expect(await advertised('data', ANY, version6)).toMatchObject({ host: '127.0.0.1' });
    expect(await advertised('data', ANY, { interfaces: [LO] })).toMatchObject({
      host: '127.0.0.1',
      reason: 'this machine has no other address',
    });
  });

  it('makes the group of a meta server that was not told of any', async () => {
    expect((await advertised('meta', ANY)).cluster.metaAddresses).toEqual(['10.0.0.5:9610']);
    // Its neighbours find it on every interface, this one among them.
    expect((await advertised('data', ANY)).cluster.metaAddresses).toEqual(['127.0.0.1:9610']);
    expect((await advertised('meta', {})).cluster.metaAddresses).toEqual(['127.0.0.1:9610']);
  });

  it('must be told where there are several, and nothing says which', async () => {
    await expect(advertised('data', ANY, { interfaces: [LO, ETH0, ETH1] })).rejects.toMatchObject({
      code: 'INVALID_CONFIGURATION',
      message: expect.stringMatching(
        /10\.0\.0\.5 \(eth0\), 192\.168\.7\.5 \(eth1\)\. Set data\.advertisedHost \(ROLLCALL_DATA_ADVERTISED_HOST\)/,
      ),
    });
  });

  describe('is doubtful, and the log says what to set', () => {
    const advice = 'Set data.advertisedHost (ROLLCALL_DATA_ADVERTISED_HOST).';

    it('on loopback, where meta is on other machines', async () => {
      expect(await advertised('data', META)).toMatchObject({
        host: '127.0.0.1',
        doubt: expect.stringContaining('meta at 10.0.0.1:9610 is on another'),
        advice,
      });
      const byName = { ROLLCALL_CLUSTER_META_ADDRESSES: 'meta-1:9610' };
      expect(await advertised('data', byName, { names: { 'meta-1': ['10.0.0.9'] } })).toMatchObject({ advice });
      expect(await advertised('data', byName, { names: { 'meta-1': ['10.0.0.5'] } })).not.toHaveProperty('doubt');
    });

    it('on a network inside this machine', async () => {
      const machine = { interfaces: [LO, ETH0, DOCKER] };
      const told = { ...ANY, ROLLCALL_DATA_ADVERTISED_HOST: '172.17.0.1' };
      expect(await advertised('data', told, machine)).toMatchObject({
        doubt: expect.stringContaining('docker0'),
        advice,
      });
      expect(await advertised('data', ANY, { interfaces: [LO, INSIDE] })).toMatchObject({
        host: '172.17.0.2',
        doubt: expect.stringContaining('Docker'),
        advice,
      });
    });
  });
});
