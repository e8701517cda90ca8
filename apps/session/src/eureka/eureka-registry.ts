import {
  type Application,
  type Instance,
  type Status,
  Unreadable,
  appNameOf,
  checkApp,
  dataIdOf,
  leaseMsOf,
  mustRegisterAgain,
  overridden,
  ownIdOf,
  readInstance,
  registered,
  registeredInstance,
  restored,
  toInstances,
  toPublication,
  withMetadata,
} from '#eureka';
import { type PublisherView, RegistryError, leasedRegisterId } from '#model';
import { DEFAULT_ZONE, type EdgeContext, parseLeasedId, parseLeasedPublish, presentPublication } from '#registry';
import { decodeBody } from '#wire';
import { accepted } from '../edge.js';
import type { HttpCaller } from '../http/http-caller.js';
import { type AppsWatch, dataInfoIdOf } from './apps-watch.js';

/**
 * What Eureka's clients do with one application or instance. A registration is a leased publication, whose id follows from the
 * names of both: so whatever is asked about it can be asked of any session server, and finds it.
 */
export class EurekaRegistry {
  /** The last change of each registration that is under way: they read what is held before they replace it. */
  private readonly changes = new Map<string, Promise<void>>();

  constructor(
    private readonly caller: HttpCaller,
    private readonly edge: EdgeContext,
    private readonly watch: Pick<AppsWatch, 'peek'>,
    private readonly wallMs: () => number,
  ) {}

  async register(appName: string, body: unknown): Promise<void> {
    const instance = readable(() => {
      const read = readInstance(body);
      checkApp(read, appName);
      return read;
    });
    const { dataId, registerId } = subject(appName, instance.instanceId);
    await this.inTurn(registerId, async () => {
      const held = await this.held(dataId, registerId);
      await this.publish(dataId, registered(instance, held, this.wallMs()));
    });
  }

  /** @throws RegistryError NOT_REGISTERED, also where the instance is to register again, since it has changed */
  async renew(appName: string, instanceId: string, lastDirtyTimestamp: number | undefined): Promise<void> {
    const { dataId, registerId } = subject(appName, instanceId);
    await this.prolong(registerId);
    const known = this.watch.peek(dataId, instanceId);
    if (known && mustRegisterAgain(known, lastDirtyTimestamp)) throw new RegistryError('NOT_REGISTERED');
  }

  /** @throws RegistryError NOT_REGISTERED */
  async cancel(appName: string, instanceId: string): Promise<void> {
    const { registerId } = subject(appName, instanceId);
    await this.inTurn(registerId, async () => {
      // To remove what is not there is success elsewhere, and none for Eureka.
      await this.prolong(registerId);
      await this.caller.request(accepted(parseLeasedId(registerId, 'leasedUnpublish')).request);
    });
  }

  setStatus(appName: string, instanceId: string, status: Status): Promise<void> {
    return this.change(appName, instanceId, (held) => overridden(held, status, this.wallMs()));
  }

  removeStatus(appName: string, instanceId: string, status: Status | undefined): Promise<void> {
    return this.change(appName, instanceId, (held) => restored(held, status, this.wallMs()));
  }

  addMetadata(appName: string, instanceId: string, metadata: Readonly<Record<string, string>>): Promise<void> {
    return this.change(appName, instanceId, (held) => withMetadata(held, metadata, this.wallMs()));
  }

  /** @throws RegistryError NOT_REGISTERED where it has no instances */
  async application(appName: string): Promise<Application> {
    const { dataId } = subject(appName);
    const instances = (await this.query(dataId)).flatMap((publisher) => toInstances(dataId, publisher));
    if (instances.length === 0) throw new RegistryError('NOT_REGISTERED', `${appName} has no instances.`);
    return { name: appNameOf(dataId), instances };
  }

  /** @throws RegistryError NOT_REGISTERED */
  async instance(appName: string, instanceId: string): Promise<Instance> {
    const { instances } = await this.application(appName);
    const found = instances.find((each) => each.instanceId === instanceId);
    if (!found) throw new RegistryError('NOT_REGISTERED', `${appName} has no instance ${instanceId}.`);
    return found;
  }

  private async change(appName: string, instanceId: string, make: (held: Instance) => Instance): Promise<void> {
    const { dataId, registerId } = subject(appName, instanceId);
    await this.inTurn(registerId, async () => {
      const held = await this.held(dataId, registerId);
      if (!held) throw new RegistryError('NOT_REGISTERED');
      await this.publish(dataId, make(held));
    });
  }

  private async publish(dataId: string, instance: Instance): Promise<void> {
    const body = { dataId, leaseMs: leaseMsOf(instance), ...toPublication(instance) };
    await this.caller.request(accepted(parseLeasedPublish(body, this.edge)).request);
  }

  private async prolong(registerId: string): Promise<void> {
    await this.caller.request(accepted(parseLeasedId(registerId, 'renew')).request);
  }

  private async held(dataId: string, registerId: string): Promise<Instance | undefined> {
    const publisher = (await this.query(dataId)).find((each) => each.registerId === registerId);
    return publisher && registeredInstance(dataId, publisher);
  }

  private async query(dataId: string): Promise<PublisherView[]> {
    const view = { dataInfoId: dataInfoIdOf(dataId), scope: 'dataCenter' as const, zone: DEFAULT_ZONE };
    const reply = await this.caller.request({ kind: 'query', ...view });
    if (reply.kind !== 'datum') throw new RegistryError('INTERNAL');
    const { type, publications } = reply.frame;
    // That something is missing from a list that is not complete says nothing.
    if (type === 'partial' && publications.length === 0) throw new RegistryError('PENDING');
    return publications.map((publication) => presentPublication(publication, decodeBody));
  }

  private async inTurn(registerId: string, run: () => Promise<void>): Promise<void> {
    const before = this.changes.get(registerId);
    const now = (before ?? Promise.resolve()).catch(() => undefined).then(run);
    this.changes.set(registerId, now);
    try {
      await now;
    } finally {
      if (this.changes.get(registerId) === now) this.changes.delete(registerId);
    }
  }
}

/** @throws RegistryError BAD_REQUEST for what is the name of no application */
function subject(appName: string, instanceId = ''): { dataId: string; registerId: string } {
  const dataId = dataIdOf(appName);
  if (dataId === undefined) throw new RegistryError('BAD_REQUEST', `${appName} is not the name of an application.`);
  return { dataId, registerId: leasedRegisterId(dataInfoIdOf(dataId), ownIdOf(instanceId)) };
}

/** @throws RegistryError BAD_REQUEST for what cannot be read */
export function readable<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw error instanceof Unreadable ? new RegistryError('BAD_REQUEST', error.message) : error;
  }
}
