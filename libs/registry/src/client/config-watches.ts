import { CODES, type ConfigPush, type Failure, type Random, checkName, logged } from '#model';
import type { ClientEffect, ClientEvent, ClientLimits, ConfigSnapshot } from './contract.js';
import { RETRY_AFTER_MAX_MS } from './limits.js';
import { readConfigPush } from './received.js';
import { RetrySchedule, backoffMs } from './retry.js';

interface Watcher {
  readonly number: number;
  readonly key: string;
  /** What was told last, by any server. */
  held: ConfigPush | undefined;
  /** The stream open on the present connection. */
  subscriptionId?: string;
  failures: number;
}

/** Every configuration value that the client watches. What it holds outlives connections, servers, and meta's absence. */
export class ConfigWatchBook {
  private readonly watchers = new Map<number, Watcher>();
  private readonly byStream = new Map<string, Watcher>();
  private readonly retries = new RetrySchedule<Watcher>();
  private streams = 0;
  private connection: { number: number; clusterId: string } | undefined;

  constructor(
    private readonly limits: ClientLimits,
    private readonly random: Random,
    private readonly emit: (effect: ClientEffect) => void,
  ) {}

  get nextRetryMs(): number {
    return this.retries.nextMs;
  }

  watch({ watcher: number, key }: ClientEvent & { type: 'watch' }): void {
    if (this.watchers.has(number)) return;
    const fault = checkName('key', key);
    if (fault) return this.emit({ type: 'watchFailed', watcher: number, failure: fault });
    const watcher: Watcher = { number, key, held: undefined, failures: 0 };
    this.watchers.set(number, watcher);
    this.open(watcher);
  }

  /** The stream to end on the server, if one is open. */
  unwatch(number: number): string | undefined {
    const watcher = this.watchers.get(number);
    if (!watcher) return undefined;
    this.watchers.delete(number);
    this.retries.delete(watcher);
    if (watcher.subscriptionId !== undefined) this.byStream.delete(watcher.subscriptionId);
    return watcher.subscriptionId;
  }

  snapshot(number: number): ConfigSnapshot | undefined {
    const watcher = this.watchers.get(number);
    return watcher && snapshotOf(watcher);
  }

  connected(number: number, clusterId: string): void {
    this.connection = { number, clusterId };
    for (const watcher of this.watchers.values()) this.open(watcher);
  }

  welcomed(clusterId: string): void {
    if (this.connection) this.connection.clusterId = clusterId;
  }

  disconnected(): void {
    this.connection = undefined;
    this.byStream.clear();
    this.retries.clear();
    for (const watcher of this.watchers.values()) {
      delete watcher.subscriptionId;
      watcher.failures = 0;
    }
  }

  wake(nowMs: number): void {
    for (const watcher of this.retries.due(nowMs)) this.open(watcher);
  }

  /**
   * A version that is not newer brings nothing: it was told before, or comes from a server that is behind the one before
   * it. Versions of another cluster mean nothing to this one, and what it says counts.
   */
  told({ subscriptionId, config }: ClientEvent & { type: 'config' }): void {
    const watcher = this.byStream.get(subscriptionId);
    if (!watcher) return;
    const told = readConfigPush(config);
    if (!told) {
      return this.emit(logged('warn', 'config-malformed', { key: watcher.key }));
    }
    watcher.failures = 0;
    const { held } = watcher;
    if (held && held.clusterId === told.clusterId && held.version >= told.version) return;
    watcher.held = told;
    if (held && held.value === undefined && told.value === undefined) return;
    this.emit({ type: 'configChanged', watcher: watcher.number, snapshot: snapshotOf(watcher) });
  }

  pushFailed(nowMs: number, subscriptionId: string, given: Failure): void {
    const watcher = this.byStream.get(subscriptionId);
    if (!watcher) return;
    this.byStream.delete(subscriptionId);
    delete watcher.subscriptionId;
    if (CODES[given.code].retry === 'never')
      return this.emit({ type: 'watchFailed', watcher: watcher.number, failure: given });
    watcher.failures++;
    const { reconnectMinMs, reconnectMaxMs } = this.limits;
    const afterMs = Math.min(given.retryAfterMs ?? 0, RETRY_AFTER_MAX_MS);
    const waitMs = Math.max(afterMs, backoffMs(watcher.failures, reconnectMinMs, reconnectMaxMs, this.random));
    this.retries.add(watcher, nowMs + waitMs);
  }

  /** Each stream has an id of its own, which no subscription has. */
  private open(watcher: Watcher): void {
    if (this.connection === undefined || watcher.subscriptionId !== undefined) return;
    const subscriptionId = `watch-${watcher.number}.${++this.streams}`;
    watcher.subscriptionId = subscriptionId;
    this.byStream.set(subscriptionId, watcher);
    const { key, held } = watcher;
    const { number, clusterId } = this.connection;
    const base = held?.clusterId === clusterId ? { base: { clusterId, version: held.version } } : {};
    this.emit({ type: 'watch', connection: number, payload: { key, subscriptionId, ...base } });
  }
}

function snapshotOf({ key, held }: Watcher): ConfigSnapshot {
  if (!held) return { key, state: 'pending' };
  const { version, value } = held;
  return { key, state: 'current', version, ...(value === undefined ? {} : { value }) };
}
