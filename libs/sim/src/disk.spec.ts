import { VirtualClock } from './clock.js';
import { SimDisk } from './disk.js';

describe('SimDisk', () => {
  it('keeps what was synced or had the time, and loses the rest in a crash', () => {
    const clock = new VirtualClock();
    const disk = new SimDisk(clock, 3);
    disk.writeSync('run', 1);
    disk.write('table', { epoch: 1 });
    clock.runUntil(5);
    disk.write('table', { epoch: 2 });
    clock.runUntil(6);
    disk.crash();
    clock.runUntil(100);
    expect([disk.read('run'), disk.read('table')]).toEqual([1, { epoch: 1 }]);
    disk.wipe();
    expect(disk.read('run')).toBeUndefined();
  });
});
