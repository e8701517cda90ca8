import { type ConfigState, LIMITS, type ToMeta } from '#model';
import { isWatchConfig } from './check.js';
import type { MetaContext } from './context.js';
import type { MetaState } from './contract.js';
import type { MemberLink, MemberLinks } from './links.js';
import { findConfig } from './state/config.js';

/** Values in one message, unless a single one is larger. */
const MESSAGE_BYTES = 1024 * 1024;

/**
 * Which configuration values the clients of session servers watch. It is known of a link and ends with it: a session
 * server names all of them anew over the next one, to whoever leads then. So nothing of it is replicated.
 */
export class ConfigWatches {
  constructor(
    private readonly context: MetaContext,
    private readonly links: MemberLinks,
  ) {}

  /** Tells what is newer than what the session server knows. Of more keys than are allowed the rest is not told. */
  heard(link: MemberLink, message: Extract<ToMeta, { kind: 'watchConfig' }>): void {
    if (link.incarnation === undefined || !isWatchConfig(message)) return;
    const watched = (link.watched ??= new Set());
    for (const key of message.unwatch) watched.delete(key);
    const newer: ConfigState[] = [];
    for (const { key, version } of message.watch) {
      if (watched.size >= LIMITS.configKeysPerSession) break;
      watched.add(key);
      const state = configState(this.context.state, key);
      if (version === undefined || state.version > version) newer.push(state);
    }
    if (this.context.ready) this.tell(link, newer);
  }

  /** What has changed is committed. */
  changed(before: MetaState): void {
    const { state } = this.context;
    const keys = changedKeys(before, state);
    for (const link of this.links.serving()) {
      const told = keys.filter((key) => link.watched?.has(key)).map((key) => configState(state, key));
      this.tell(link, told);
    }
  }

  /** This node leads anew, and some changes may have gone by untold; what is not newer is passed over there. */
  becameReady(): void {
    for (const link of this.links.serving())
      this.tell(
        link,
        Array.from(link.watched ?? [], (key) => configState(this.context.state, key)),
      );
  }

  private tell(link: MemberLink, values: ConfigState[]): void {
    let part: ConfigState[] = [];
    let bytes = 0;
    for (const value of values) {
      const more = value.value?.length ?? 0;
      if (part.length > 0 && bytes + more > MESSAGE_BYTES) {
        this.links.send(link.id, { kind: 'config', values: part });
        [part, bytes] = [[], 0];
      }
      part.push(value);
      bytes += more;
    }
    if (part.length > 0) this.links.send(link.id, { kind: 'config', values: part });
  }
}

/** Of a key without a value: as of the last change of any. */
function configState(state: MetaState, key: string): ConfigState {
  return findConfig(state, key) ?? { key, version: state.config.version };
}

/** Which values were set, or set anew, or deleted. A version never comes again. */
function changedKeys({ config: before }: MetaState, { config: after }: MetaState): string[] {
  const versions = new Map(before.values.map(({ key, version }) => [key, version]));
  const keys = after.values.filter(({ key, version }) => versions.get(key) !== version).map(({ key }) => key);
  const left = new Set(after.values.map(({ key }) => key));
  return [...keys, ...[...versions.keys()].filter((key) => !left.has(key))];
}
