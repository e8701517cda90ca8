import { setTimeout } from 'node:timers/promises';
import { hashCodeOf } from '#eureka';
import { type Answer, http } from './http.js';

export interface Told {
  instanceId: string;
  app: string;
  hostName: string;
  status: 'UP' | 'DOWN' | 'STARTING' | 'OUT_OF_SERVICE' | 'UNKNOWN';
  actionType: 'ADDED' | 'MODIFIED' | 'DELETED';
}

/**
 * Does what Netflix's client in Java does: goes to the next server where one fails, registers again where its renewal is answered
 * 404, and fetches everything once, then changes, and everything again only where its hash code comes to another.
 */
export class EurekaClient {
  readonly held = new Map<string, Told>();
  /** By status of the answer. */
  readonly renewals = new Map<number, number>();
  refetches = 0;
  /** Requests that some server has not answered. */
  unanswered = 0;
  private isFetched = false;
  private isRunning = true;
  private readonly done: Promise<void>[] = [];

  constructor(
    private readonly servers: string[],
    private readonly app: string,
    private readonly host: string,
    private readonly durationInSecs = 3,
  ) {}

  get id(): string {
    return `${this.host}:${this.app.toLowerCase()}:80`;
  }

  hostsOf(app: string): string[] {
    return [...this.held.values()].filter((each) => each.app === app).map(({ hostName }) => hostName);
  }

  async start(renewEveryMs: number, fetchEveryMs: number): Promise<void> {
    await this.register();
    await this.fetch();
    this.done.push(
      this.repeat(renewEveryMs, () => this.renew()),
      this.repeat(fetchEveryMs, () => this.fetch()),
    );
  }

  async stop(): Promise<void> {
    this.isRunning = false;
    await Promise.all(this.done);
    await this.ask('DELETE', `apps/${this.app}/${this.id}`);
  }

  /** As `stop`, but at once: what it repeats ends by itself. */
  async leave(): Promise<void> {
    this.isRunning = false;
    await this.ask('DELETE', `apps/${this.app}/${this.id}`);
  }

  private async repeat(everyMs: number, run: () => Promise<void>): Promise<void> {
    while (this.isRunning) {
      await setTimeout(everyMs, undefined, { ref: false });
      if (this.isRunning) await run();
    }
  }

  private async register(): Promise<void> {
    const { id: instanceId, app, host: hostName, durationInSecs } = this;
    const instance = {
      ...{ instanceId, app, hostName, ipAddr: hostName, status: 'UP', vipAddress: app.toLowerCase() },
      port: { $: 80, '@enabled': 'true' },
      dataCenterInfo: { '@class': 'com.netflix.appinfo.InstanceInfo$DefaultDataCenterInfo', name: 'MyOwn' },
      leaseInfo: { renewalIntervalInSecs: 1, durationInSecs },
    };
    const { status, body } = await this.ask('POST', `apps/${app}`, { instance });
    if (status !== 204) throw new Error(`Registering was answered ${status}: ${JSON.stringify(body)}`);
  }

  private async renew(): Promise<void> {
    const { status } = await this.ask('PUT', `apps/${this.app}/${this.id}?status=UP`);
    this.renewals.set(status, (this.renewals.get(status) ?? 0) + 1);
    if (status === 404) await this.register();
  }

  private async fetch(): Promise<void> {
    if (!this.isFetched) return this.fetchAll();
    const { body } = await this.ask('GET', 'apps/delta');
    for (const instance of instancesOf(body))
      if (instance.actionType === 'DELETED') this.held.delete(`${instance.app} ${instance.instanceId}`);
      else this.hold(instance);
    if (hashCodeOf(this.held.values()) === body.applications.apps__hashcode) return;
    this.refetches++;
    await this.fetchAll();
  }

  private async fetchAll(): Promise<void> {
    const { body } = await this.ask('GET', 'apps/');
    this.held.clear();
    for (const instance of instancesOf(body)) this.hold(instance);
    this.isFetched = true;
  }

  private hold(instance: Told): void {
    this.held.set(`${instance.app} ${instance.instanceId}`, instance);
  }

  /** Of the first server that answers; the one that did stays the first. */
  private async ask(method: string, path: string, body?: unknown): Promise<Answer> {
    for (let attempt = 0; ; attempt++)
      try {
        const answer = await http(method, `${this.servers[0]}/eureka/${path}`, body, { accept: 'application/json' });
        if (answer.status < 500) return answer;
        throw new Error(`${method} ${path} was answered ${answer.status}.`);
      } catch (error) {
        if (attempt >= 4 * this.servers.length) throw error;
        this.unanswered++;
        this.servers.push(this.servers.shift()!);
        await setTimeout(100);
      }
  }
}

// oxlint-disable-next-line typescript/no-explicit-any -- it is read as a stranger's program would
function instancesOf(body: any): Told[] {
  return body.applications.application.flatMap(({ instance }: { instance: Told[] }) => instance);
}
