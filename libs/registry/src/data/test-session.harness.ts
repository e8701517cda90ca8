import type { DataToSession, LinkId, Operation, OperationResult, Publication, SessionToData, Stamp } from '#model';
import { addExactly, formatHash } from '../content-hash.js';
import type { DataWorld } from './data-world.harness.js';
import { DATUM, publication } from './fixtures.harness.js';

type KindOf<Kind extends DataToSession['kind']> = Extract<DataToSession, { kind: Kind }>;

/** A session server that says what the test tells it to. Everything concerns slot 0 at leaderEpoch 7 by default. */
export class TestSession {
  leaderEpoch = 7;
  link: LinkId | undefined;
  isAlive = true;
  inbox: DataToSession[] = [];
  digestNumber = 0;
  private sequence = 0;
  private requestId = 0;
  private pingedAtMs = 0;

  constructor(
    private readonly world: DataWorld,
    readonly incarnation: string,
  ) {}

  connect(): LinkId {
    this.link = this.world.newLink();
    this.world.step({
      type: 'linkUp',
      link: this.link,
      direction: 'in',
      address: `${this.incarnation}:1`,
      hello: { protocol: 1, role: 'session', incarnation: this.incarnation, clusterId: 'c1' },
    });
    return this.link;
  }

  /** Its process ends. */
  die(): void {
    this.isAlive = false;
    if (this.link !== undefined) this.world.step({ type: 'linkDown', link: this.link });
    this.link = undefined;
  }

  /** As when its machine vanishes: the link stays up. */
  fallSilent(): void {
    this.isAlive = false;
  }

  send(message: SessionToData, link = this.link): void {
    if (link !== undefined) this.world.step({ type: 'received', link, message });
  }

  apply(...operations: Operation[]): OperationResult[] {
    const { leaderEpoch } = this;
    const sequence = ++this.sequence;
    this.send({ kind: 'operations', slot: 0, leaderEpoch, tableEpoch: 5, sequence, operations });
    return this.last('applied').results;
  }

  publish(registerId: string, stamp: Stamp | null, fields: Partial<Publication> = {}): OperationResult {
    return this.apply(this.publishing(registerId, stamp, fields))[0]!;
  }

  unpublish(registerId: string, stamp: Stamp | null, dataInfoId = DATUM): OperationResult {
    return this.apply({ op: 'unpublish', registerId, dataInfoId, stamp, cause: 'unpublish' })[0]!;
  }

  publishing(registerId: string, stamp: Stamp | null, fields: Partial<Publication> = {}): Operation {
    return { op: 'publish', publication: { ...publication(registerId, this.incarnation), ...fields, stamp } };
  }

  /** Says what it holds, is asked for what differs, and sends that. */
  reconcile(held: Operation[] = [], removals: { registerId: string; stamp: Stamp }[] = []): KindOf<'want'> {
    const want = this.digest(held, removals);
    const { leaderEpoch } = this;
    const wanted = held.filter(
      (each) => each.op === 'publish' && want.registerIds.includes(each.publication.registerId),
    );
    this.send({ kind: 'reconcile', slot: 0, leaderEpoch, number: want.number, operations: wanted });
    return want;
  }

  digest(held: Operation[] = [], removals: { registerId: string; stamp: Stamp }[] = []): KindOf<'want'> {
    const { leaderEpoch } = this;
    this.send({
      kind: 'digest',
      slot: 0,
      leaderEpoch,
      tableEpoch: 5,
      number: ++this.digestNumber,
      entries: held.map((each) => {
        if (each.op !== 'publish') throw new Error('A digest lists what is live.');
        const { registerId, dataInfoId, stamp, owner } = each.publication;
        return { registerId, dataInfoId, stamp: stamp!, leased: owner.kind === 'leased' };
      }),
      removals: removals.map((each) => ({ ...each, dataInfoId: DATUM, cause: 'unpublish' as const })),
    });
    return this.last('want');
  }

  want(dataInfoId = DATUM): KindOf<'datum'> {
    this.send({ kind: 'interest', slot: 0, leaderEpoch: this.leaderEpoch, dataInfoId });
    return this.last('datum');
  }

  /** Wants it, and says what it holds of it. */
  compare(...held: Publication[]): void {
    const sum = { high: 0, low: 0 };
    for (const each of held) addExactly(each, 1, sum);
    const { leaderEpoch } = this;
    this.send({ kind: 'interest', slot: 0, leaderEpoch, dataInfoId: DATUM, hash: formatHash(sum) });
  }

  fetch(dataInfoId = DATUM): KindOf<'datum'> {
    this.send({ kind: 'fetch', slot: 0, leaderEpoch: this.leaderEpoch, dataInfoId, requestId: ++this.requestId });
    return this.last('datum');
  }

  renew(registerId: string, adopt = false): KindOf<'renewed'>['result'] {
    const { leaderEpoch } = this;
    const requestId = ++this.requestId;
    this.send({ kind: 'renew', slot: 0, leaderEpoch, requestId, registerId, dataInfoId: DATUM, adopt });
    return this.last('renewed').result;
  }

  /** Removes from the inbox all messages of a kind. */
  take<Kind extends DataToSession['kind']>(kind: Kind): KindOf<Kind>[] {
    const taken = this.inbox.filter((message) => message.kind === kind) as KindOf<Kind>[];
    this.inbox = this.inbox.filter((message) => message.kind !== kind);
    return taken;
  }

  /** The latest message of a kind; all of that kind leave the inbox. */
  last<Kind extends DataToSession['kind']>(kind: Kind): KindOf<Kind> {
    const message = this.take(kind).at(-1);
    if (!message) throw new Error(`${this.incarnation} got no ${kind}.`);
    return message;
  }

  hears(link: LinkId, message: DataToSession): void {
    if (link === this.link) this.inbox.push(message);
  }

  hungUp(link: LinkId): void {
    if (link !== this.link) return;
    this.link = undefined;
    this.world.step({ type: 'linkDown', link });
  }

  keepAlive(): void {
    if (!this.isAlive || this.link === undefined || this.world.nowMs - this.pingedAtMs < 1_000) return;
    this.pingedAtMs = this.world.nowMs;
    this.send({ kind: 'ping', sequence: 1 });
    this.take('pong');
  }
}
