import type { ServiceEndpoint } from '../service-endpoint.js';

export interface OutlierOptions {
  /** Requests in a row whose connection broke before an answer, until an endpoint is passed over. Default 3. */
  failures?: number;
  /** For how long at first; twice as long each time in a row. Default 2,000. */
  ejectMs?: number;
  /** And at most. Default 30,000. */
  maxEjectMs?: number;
  /** Of all endpoints no larger share is passed over that still takes connections, lest those left be run over. Default 0.5. */
  maxShare?: number;
}

interface Failing {
  isRefusing: boolean;
  failures: number;
  ejections: number;
  untilMs: number;
}

/**
 * Which endpoints are passed over for a while since they fail, which the registry will notice later or, where only the way
 * to them is broken, never. One that refuses a connection is passed over at once. The time is handed in.
 */
export class Outliers {
  private readonly records = new Map<string, Failing>();
  private readonly options: Required<OutlierOptions>;

  constructor(options: OutlierOptions = {}) {
    this.options = { failures: 3, ejectMs: 2_000, maxEjectMs: 30_000, maxShare: 0.5, ...options };
  }

  /** It answered, be it with a refusal. */
  succeeded(address: string): void {
    this.records.delete(address);
  }

  /** @param isRefused it took no connection at all */
  failed(nowMs: number, address: string, isRefused: boolean): void {
    const { failures, ejectMs, maxEjectMs } = this.options;
    const record = this.records.get(address) ?? { isRefusing: false, failures: 0, ejections: 0, untilMs: -Infinity };
    this.records.set(address, record);
    record.failures++;
    record.isRefusing = isRefused;
    if (!isRefused && record.failures < failures) return;
    record.untilMs = nowMs + Math.min(maxEjectMs, ejectMs * 2 ** Math.min(record.ejections, 30));
    record.ejections++;
    record.failures = 0;
  }

  /** Those that are not passed over; all, where that would leave nobody. */
  healthy(nowMs: number, endpoints: readonly ServiceEndpoint[]): readonly ServiceEndpoint[] {
    const out = new Set<ServiceEndpoint>();
    const failing: { endpoint: ServiceEndpoint; untilMs: number }[] = [];
    for (const endpoint of endpoints) {
      const record = this.records.get(endpoint.address);
      if (!record || record.untilMs <= nowMs) continue;
      if (record.isRefusing) out.add(endpoint);
      else failing.push({ endpoint, untilMs: record.untilMs });
    }
    const most = Math.floor(endpoints.length * this.options.maxShare);
    // Of too many those go on whose time is over soonest.
    failing.sort((a, b) => b.untilMs - a.untilMs);
    for (const { endpoint } of failing.slice(0, most)) out.add(endpoint);
    return out.size === endpoints.length ? endpoints : endpoints.filter((endpoint) => !out.has(endpoint));
  }

  retain(endpoints: readonly ServiceEndpoint[]): void {
    const addresses = new Set(endpoints.map((endpoint) => endpoint.address));
    for (const address of this.records.keys()) if (!addresses.has(address)) this.records.delete(address);
  }
}
