import type { Core } from '#model';
import type { DataEffect, DataEvent, DataOptions } from '#registry';
import { DataHost } from './data-host.js';
import { World } from './world.js';

type Script = (event: DataEvent, nowMs: number, options: DataOptions) => DataEffect[];

/** A data server with a scripted brain, which notes every event it is given. */
function host(world: World, name: string, script: Script): { host: DataHost; events: string[] } {
  const events: string[] = [];
  const makeCore = (options: DataOptions): Core<DataEvent, DataEffect> => ({
    step: (nowMs, event) => {
      events.push(event.type);
      return script(event, nowMs, options);
    },
  });
  return { host: new DataHost(name, world, {}, { makeCore, metaAddresses: [], zone: 'z' }), events };
}

const TABLE = { clusterId: 'c', epoch: 3, slots: [], members: [], departed: [] };

describe('ServerHost', () => {
  it('gives linkUp to both sides, carries messages, and tells both when one hangs up', () => {
    const world = new World({ seed: 1 });
    const listener = host(world, 'data-2', (event) =>
      event.type === 'received' ? [{ type: 'hangUp', link: event.link, reason: 'enough' }] : [],
    );
    const dialler = host(world, 'data-1', (event) => {
      if (event.type === 'start') return [{ type: 'dial', address: 'data-2:9620' }];
      if (event.type === 'linkUp')
        return [{ type: 'send', link: event.link, message: { kind: 'leave', incarnation: 'x' } }];
      return [];
    });
    listener.host.start();
    dialler.host.start();
    world.clock.runUntil(1_000);
    expect(dialler.events).toEqual(['start', 'linkUp', 'linkDown']);
    expect(listener.events).toEqual(['start', 'linkUp', 'received', 'linkDown']);
  });

  it('wakes once, at the time last asked for', () => {
    const world = new World({ seed: 1 });
    const wokenMs: number[] = [];
    const { host: sleeper } = host(world, 'data-1', (event, nowMs) => {
      if (event.type === 'wake') wokenMs.push(nowMs);
      if (event.type !== 'start') return [];
      return [
        { type: 'wake', atMs: 10 },
        { type: 'wake', atMs: 20 },
      ];
    });
    sleeper.start();
    world.clock.runUntil(100);
    expect(wokenMs).toEqual([20]);
  });

  it('starts a new incarnation on a restart effect, and gives it the table saved and no run of its own', () => {
    const world = new World({ seed: 1 });
    const lives: { incarnation: string; epoch: number | undefined; run: number }[] = [];
    const { host: server } = host(world, 'data-1', (event, _, options) => {
      if (event.type === 'start') {
        lives.push({ incarnation: options.self.incarnation, epoch: options.table?.epoch, run: options.run });
        return lives.length === 1
          ? [
              { type: 'saveTable', table: TABLE },
              { type: 'wake', atMs: 50 },
            ]
          : [];
      }
      return event.type === 'wake' ? [{ type: 'restart', reason: 'expelled' }] : [];
    });
    server.start();
    world.clock.runUntil(1_000);
    expect(lives).toEqual([
      { incarnation: expect.any(String), epoch: undefined, run: 1 },
      { incarnation: expect.any(String), epoch: 3, run: 0 },
    ]);
    expect(lives[0]!.incarnation).not.toBe(lives[1]!.incarnation);
  });

  it('says which core threw, and on what', () => {
    const world = new World({ seed: 1 });
    const { host: broken } = host(world, 'data-1', () => {
      throw new Error('a defect');
    });
    expect(() => broken.start()).toThrow(/core of data-1 threw on start/);
  });

  it('names a core that wakes itself without end', () => {
    const world = new World({ seed: 1 });
    const { host: spinning } = host(world, 'data-1', (_, nowMs) => [{ type: 'wake', atMs: nowMs }]);
    spinning.start();
    expect(() => world.clock.runUntil(1)).toThrow(/it spins/);
  });
});
