import { createRequire } from 'node:module';

/** What is used here of `eureka-js-client`, which brings no types. */
interface Client {
  start(done: (error?: Error) => void): void;
  stop(done: () => void): void;
  getInstancesByAppId(appId: string): { instanceId: string }[];
}

const { Eureka } = createRequire(import.meta.url)('eureka-js-client') as { Eureka: new (config: object) => Client };
const SILENT = { debug() {}, info() {}, warn() {}, error() {} };

/** A client of npm's `eureka-js-client`, as it is. */
export class EurekaJs {
  private readonly client: Client;

  constructor(
    servers: readonly string[],
    private readonly app: string,
    hostName: string,
  ) {
    this.client = new Eureka({
      ...{ logger: SILENT, shouldUseDelta: true },
      instance: {
        ...{ instanceId: `${hostName}:${app}`, app, hostName, ipAddr: hostName, vipAddress: app },
        port: { $: 8080, '@enabled': true },
        dataCenterInfo: { '@class': 'com.netflix.appinfo.InstanceInfo$DefaultDataCenterInfo', name: 'MyOwn' },
        leaseInfo: { renewalIntervalInSecs: 1, durationInSecs: 4 },
      },
      eureka: {
        serviceUrls: { default: servers.map((server) => `${server}/eureka/v2/apps/`) },
        ...{ heartbeatInterval: 1_000, registryFetchInterval: 200, maxRetries: 5, requestRetryDelay: 100 },
      },
    });
  }

  start(): Promise<void> {
    return new Promise((resolve, reject) =>
      this.client.start((error) => {
        if (error) reject(error);
        else resolve();
      }),
    );
  }

  stop(): Promise<void> {
    return new Promise((resolve) => this.client.stop(resolve));
  }

  /** Of its own application, those that it knows. */
  get instances(): string[] {
    return (this.client.getInstancesByAppId(this.app.toUpperCase()) ?? []).map(({ instanceId }) => instanceId);
  }
}
