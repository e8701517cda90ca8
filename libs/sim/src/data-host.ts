import type { Core, Member, Random } from '#model';
import { type DataEffect, type DataEvent, type DataOptions, WarmCopy } from '#registry';
import type { Accept } from './network.js';
import { SimSlotDisk } from './slot-disk.js';
import { type HostObserver, ServerHost } from './server-host.js';
import { SimWarmDisk } from './warm-disk.js';
import type { World } from './world.js';

export interface DataHostOptions {
  makeCore: (options: DataOptions) => Core<DataEvent, DataEffect>;
  metaAddresses: string[];
  zone: string;
  limits?: DataOptions['limits'];
}

/** A data server's host. The number of its runs is synced before the core is made. */
export class DataHost extends ServerHost<DataEvent, DataEffect> {
  readonly slotDisk: SimSlotDisk;
  readonly warmDisk: SimWarmDisk;

  constructor(
    name: string,
    world: World,
    observer: HostObserver,
    private readonly settings: DataHostOptions,
  ) {
    super(name, 'data', world, observer);
    const random = world.fork();
    this.slotDisk = new SimSlotDisk(world.clock, random);
    this.warmDisk = new SimWarmDisk(world.clock, random);
  }

  protected override makeCore(random: Random): Core<DataEvent, DataEffect> {
    const run = this.goesOn ? 0 : (this.disk.read<number>('run') ?? 0) + 1;
    if (run > 0) this.disk.writeSync('run', run);
    const { makeCore, metaAddresses, zone, limits } = this.settings;
    return makeCore({
      self: { ...memberOf(this, 'data', zone), diskId: this.slotDisk.diskId },
      stored: this.slotDisk.stored(),
      // What goes on in the same process begins with nothing.
      warm: this.goesOn ? new WarmCopy(false) : this.warmDisk.load(),
      metaAddresses,
      random,
      run,
      ...this.saved(),
      ...(limits ? { limits } : {}),
    });
  }

  protected override performOwn(effect: DataEffect): void {
    switch (effect.type) {
      case 'persist':
        return this.persist(effect.token, effect);
      case 'keep':
        return this.keep(effect.token, effect);
      default:
        throw new Error(`Unknown effect of data: ${effect.type}`);
    }
  }

  private persist(token: number, batch: Parameters<SimSlotDisk['write']>[0]): void {
    const { process } = this;
    this.slotDisk.write(batch, (message) =>
      process.deliver(() =>
        this.step(message === undefined ? { type: 'persisted', token } : { type: 'persistFailed', token, message }),
      ),
    );
  }

  private keep(token: number, batch: Parameters<SimWarmDisk['write']>[0]): void {
    const { process } = this;
    this.warmDisk.write(batch, (message) =>
      process.deliver(() =>
        this.step(message === undefined ? { type: 'kept', token } : { type: 'keepFailed', token, message }),
      ),
    );
  }

  protected override ended(): void {
    this.slotDisk.crash();
    this.warmDisk.crash();
  }

  protected override acceptOther(): Accept {
    return { rejected: 'no clients here' };
  }
}

export function memberOf(
  host: { name: string; incarnation: string; address: string; featureLevel: number },
  role: Member['role'],
  zone: string,
): Member {
  const { incarnation, address, featureLevel } = host;
  return { role, incarnation, address, httpAddress: `${host.name}:http`, zone, weight: 1, featureLevel };
}
