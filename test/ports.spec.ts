import { jest } from '@jest/globals';
import { portsFrom } from '../scripts/lib/cluster.mjs';

const take = async (next: () => Promise<number>, count: number): Promise<number[]> => {
  const ports: number[] = [];
  while (ports.length < count) ports.push(await next());
  return ports;
};

describe('ports chosen at random', () => {
  let random: jest.SpiedFunction<typeof Math.random>;
  const worker = process.env['JEST_WORKER_ID'];

  beforeEach(() => {
    random = jest.spyOn(Math, 'random').mockReturnValue(0);
  });
  afterEach(() => {
    random.mockRestore();
    process.env['JEST_WORKER_ID'] = worker;
  });

  it('are not chosen again by the same process, though nobody listens there yet', async () => {
    const one = await take(portsFrom(0), 3);
    const other = await take(portsFrom(0), 3);
    expect(new Set([...one, ...other]).size).toBe(6);
  });

  it('are others for tests that run side by side, wherever they begin', async () => {
    process.env['JEST_WORKER_ID'] = '1';
    const lowest = await portsFrom(0)();
    random.mockReturnValue(0.99);
    const highest = await portsFrom(0)();
    process.env['JEST_WORKER_ID'] = '2';
    random.mockReturnValue(0);
    const next = await portsFrom(0)();
    expect([lowest < highest, highest < next]).toEqual([true, true]);
  });

  it('are below those that the system hands out by itself', async () => {
    random.mockReturnValue(0.99);
    for (const id of ['1', '2', '3', '4']) {
      process.env['JEST_WORKER_ID'] = id;
      expect(await portsFrom(0)()).toBeLessThan(32_768);
    }
  });
});
