import { type DatumVersion, type Publication, type Stamp, compareVersions } from '#model';
import { merge } from '../merge.js';
import type { TestSession } from './data-world.harness.js';

/** A session server's view of the datum, kept by the rules of the protocol, and checked at every message. */
export class ModelWatcher {
  version: DatumVersion = { leaderEpoch: 0, sequence: 0 };
  isComplete = false;
  readonly held = new Map<string, { stamp: Stamp; publication: Publication | undefined }>();

  /** What each complete version was seen to contain. */
  private readonly contents = new Map<string, string>();

  constructor(readonly wire: TestSession) {}

  live(): Publication[] {
    return [...this.held.values()].flatMap(({ publication }) => publication ?? []);
  }

  listen(): void {
    const { inbox } = this.wire;
    this.wire.inbox = [];
    for (const message of inbox) {
      if (message.kind === 'datum') {
        if (compareVersions(message.version, this.version) < 0) throw new Error('A version went back.');
        this.version = message.version;
        this.isComplete = message.complete;
        if (message.complete) this.held.clear();
        for (const each of message.publications) this.take(each.registerId, each.stamp, each);
      } else if (message.kind === 'change') {
        if (compareVersions(message.from, this.version) !== 0) throw new Error('A change does not fit its base.');
        if (compareVersions(message.to, message.from) < 0) throw new Error('A version went back.');
        if (message.complete && !this.isComplete) throw new Error('A change made the datum complete.');
        this.version = message.to;
        for (const each of message.upserts) this.take(each.registerId, each.stamp, each);
        for (const { registerId, stamp } of message.removals) this.take(registerId, stamp, undefined);
      }
      if (this.isComplete) this.remember();
    }
  }

  private take(registerId: string, stamp: Stamp, publication: Publication | undefined): void {
    const held = this.held.get(registerId);
    const verdict = merge(held && { stamp: held.stamp, live: held.publication !== undefined }, {
      stamp,
      live: publication !== undefined,
    });
    if (verdict === 'take') this.held.set(registerId, { stamp, publication });
  }

  /** Invariant 4: one complete version has one content. */
  private remember(): void {
    const version = `${this.version.leaderEpoch}.${this.version.sequence}`;
    const content = this.live()
      .map(({ registerId, body }) => `${registerId}=${body[0]}`)
      .sort()
      .join(' ');
    const known = this.contents.get(version);
    if (known !== undefined && known !== content) throw new Error(`${version} was "${known}" and is "${content}".`);
    this.contents.set(version, content);
  }
}
