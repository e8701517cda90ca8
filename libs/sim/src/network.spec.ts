import { seededRandom } from '#model';
import { VirtualClock } from './clock.js';
import { SimNetwork, type Socket } from './network.js';
import { SimProcess } from './process.js';

/** Two hosts: `a` dials, `b` listens and writes down what it hears. */
function pair(seed = 1): Scene {
  return new Scene(seed);
}

class Scene {
  readonly clock = new VirtualClock();
  readonly network: SimNetwork;
  readonly a = new SimProcess('a', this.clock);
  b = new SimProcess('b', this.clock);
  readonly atA: string[] = [];
  readonly atB: string[] = [];
  socketA!: Socket;
  socketB!: Socket;

  constructor(seed: number) {
    this.network = new SimNetwork({ clock: this.clock, random: seededRandom(seed) });
    this.listen();
  }

  listen(): void {
    this.network.listen('b:1', this.b, (opening) =>
      opening === 'stranger'
        ? { rejected: 'no strangers' }
        : {
            answer: 'welcome',
            accepted: (socket) => {
              this.socketB = socket;
              this.atB.push('up');
            },
            handlers: {
              message: (message) => this.atB.push(String(message)),
              down: () => this.atB.push('down'),
            },
          },
    );
  }

  dial(opening = 'hello', address = 'b:1'): this {
    this.network.dial(this.a, address, opening, {
      up: (socket, answer) => {
        this.socketA = socket;
        this.atA.push(`up ${String(answer)}`);
      },
      failed: (reason) => this.atA.push(reason),
      message: (message) => this.atA.push(String(message)),
      down: () => this.atA.push('down'),
    });
    return this;
  }

  run(ms = 200): this {
    this.clock.runUntil(this.clock.nowMs() + ms);
    return this;
  }

  kill(how?: 'vanish'): void {
    if (how) this.network.vanish('b');
    this.b.die();
    this.network.processDied(this.b);
  }

  restart(): void {
    this.network.reappear('b');
    this.b = new SimProcess('b', this.clock);
    this.listen();
  }
}

const SEEDS = [1, 2, 3, 4, 5, 6, 7, 8];

describe('SimNetwork', () => {
  it('carries messages both ways, each way in order', () => {
    const scene = pair().dial().run();
    for (let i = 0; i < 50; i++) scene.socketA.send(i);
    scene.socketB.send('answer');
    scene.run();
    expect(scene.atA).toEqual(['up welcome', 'answer']);
    expect(scene.atB).toEqual(['up', ...Array.from({ length: 50 }, (_, i) => String(i))]);
  });

  it('delivers what was sent before an orderly close, and tells both sides', () => {
    const scene = pair().dial().run();
    scene.socketA.send('last words');
    scene.socketA.close('done');
    scene.socketA.send('unheard');
    scene.run();
    expect(scene.atB).toEqual(['up', 'last words', 'down']);
    expect(scene.atA).toEqual(['up welcome', 'down']);
  });

  it('refuses where nobody listens, and rejects whom the listener does not want', () => {
    expect(pair().dial('hello', 'nowhere:1').run().atA).toEqual(['refused']);
    expect(pair().dial('stranger').run().atA).toEqual(['rejected']);
    const dead = pair();
    dead.kill();
    expect(dead.dial().run().atA).toEqual(['refused']);
  });

  it('answers nothing at all from a host that vanished', () => {
    const scene = pair();
    scene.kill('vanish');
    expect(scene.dial().run(1_000).atA).toEqual([]);
    expect(scene.run(3_000).atA).toEqual(['unreachable']);
  });

  it.each(SEEDS)('tells the peer of a killed process, after a prefix of what was sent (seed %i)', (seed) => {
    const scene = pair(seed).dial().run();
    for (const word of ['1', '2', '3']) scene.socketB.send(word);
    scene.kill();
    scene.run();
    expect(scene.atA.at(0)).toBe('up welcome');
    expect(scene.atA.at(-1)).toBe('down');
    const heard = scene.atA.slice(1, -1);
    expect(heard).toEqual(['1', '2', '3'].slice(0, heard.length));
  });

  it('lets a connection to a vanished host hang until the host is back and says it knows nothing of it', () => {
    const scene = pair().dial().run();
    scene.kill('vanish');
    scene.socketA.send('hello?');
    scene.run(60_000);
    expect(scene.atA).toEqual(['up welcome']);
    scene.restart();
    scene.socketA.send('hello?');
    scene.run();
    expect(scene.atA).toEqual(['up welcome', 'down']);
  });

  it.each(SEEDS)(
    'holds what a cut swallows: later it comes late and whole, or the connection breaks (seed %i)',
    (seed) => {
      const scene = pair(seed).dial().run();
      scene.network.cut('a', 'b');
      for (const word of ['1', '2', '3']) scene.socketA.send(word);
      scene.run(10_000);
      expect(scene.atB).toEqual(['up']);
      expect(scene.atA).toEqual(['up welcome']);
      scene.network.heal();
      scene.run();
      const broken = scene.atA.at(-1) === 'down';
      const words = scene.atB.slice(1, broken ? -1 : undefined);
      expect(scene.atB.at(-1) === 'down').toBe(broken);
      expect(words).toEqual(['1', '2', '3'].slice(0, broken ? words.length : 3));
    },
  );

  it('sees both ends of a healed cut, over the seeds', () => {
    const ends = SEEDS.map((seed) => {
      const scene = pair(seed).dial().run();
      scene.network.cut('a', 'b');
      scene.socketA.send('1');
      scene.run(1_000).network.heal();
      return scene.run().atB.at(-1);
    });
    expect(new Set(ends)).toEqual(new Set(['1', 'down']));
  });

  it('can cut one direction only: the other goes on, but no new connection is made', () => {
    const scene = pair().dial().run();
    scene.network.cut('a', 'b', true);
    scene.socketA.send('swallowed');
    scene.socketB.send('heard');
    scene.run();
    expect(scene.atA).toEqual(['up welcome', 'heard']);
    expect(scene.atB).toEqual(['up']);
    scene.atA.length = 0;
    expect(scene.dial().run(5_000).atA).toEqual(['unreachable']);
  });

  it('tells the far side of a hang-up only once the cut is mended', () => {
    const scene = pair().dial().run();
    scene.network.cut('a', 'b');
    scene.socketA.close('impatient');
    scene.run(5_000);
    expect([scene.atA, scene.atB]).toEqual([['up welcome', 'down'], ['up']]);
    scene.network.heal();
    expect(scene.run().atB).toEqual(['up', 'down']);
  });

  it.each(SEEDS)('breaks a connection on both sides, without gaps in what arrived before (seed %i)', (seed) => {
    const scene = pair(seed).dial().run();
    for (const word of ['1', '2', '3']) scene.socketA.send(word);
    expect(scene.network.resetOne({ a: 'b', b: 'a' })).toBe(true);
    scene.run();
    expect(scene.atA).toEqual(['up welcome', 'down']);
    expect(scene.atB.at(-1)).toBe('down');
    const heard = scene.atB.slice(1, -1);
    expect(heard).toEqual(['1', '2', '3'].slice(0, heard.length));
    expect(scene.network.resetOne()).toBe(false);
  });

  it('keeps everything for a stopped process until it goes on', () => {
    const scene = pair().dial().run();
    scene.b.pause();
    scene.socketA.send('1');
    scene.socketA.send('2');
    scene.socketA.close('gone');
    scene.run(5_000);
    expect(scene.atB).toEqual(['up']);
    scene.b.resume();
    expect(scene.atB).toEqual(['up', '1', '2', 'down']);
  });

  it('keeps what comes for a slow process until it has the time, and says since when it waits', () => {
    const scene = pair().dial().run();
    scene.b.slowDown(100);
    const fromMs = scene.clock.nowMs();
    const read: { atMs: number; cameMs: number; text: unknown }[] = [];
    scene.socketB.handlers = {
      message: (text) => read.push({ atMs: scene.clock.nowMs() - fromMs, cameMs: scene.b.readUntilMs - fromMs, text }),
      down: () => {},
    };
    for (const text of ['1', '2', '3']) scene.socketA.send(text);
    scene.run(1_000);
    expect(read.map(({ text }) => text)).toEqual(['1', '2', '3']);
    for (const [i, { atMs, cameMs }] of read.entries()) {
      expect(cameMs).toBeLessThan(50);
      expect(atMs).toBeGreaterThanOrEqual(100 * (i + 1));
    }
    expect(scene.b.readUntilMs).toBe(scene.clock.nowMs());
    scene.b.slowDown(0);
    scene.socketA.send('4');
    scene.run(50);
    expect(read).toHaveLength(4);
  });

  it('connects to a slow process at once, as its kernel would', () => {
    const scene = pair();
    scene.b.slowDown(10_000);
    expect(scene.dial().run(5_000).atA).toEqual(['up welcome']);
  });

  it('lets a dial to a stopped process time out, and takes the late answer back', () => {
    const scene = pair();
    scene.b.pause();
    expect(scene.dial().run(5_000).atA).toEqual(['unreachable']);
    scene.b.resume();
    scene.run();
    expect(scene.atA).toEqual(['unreachable']);
    expect(scene.atB).toEqual(['up', 'down']);
  });

  it('never lets the two sides share an object', () => {
    const scene = pair().dial().run();
    const received: unknown[] = [];
    scene.socketB.handlers = { message: (message) => received.push(message), down: () => {} };
    const message = { list: [1] };
    scene.socketA.send(message);
    message.list.push(2);
    scene.run();
    expect(received).toEqual([{ list: [1] }]);
  });
});
