import * as fc from 'fast-check';
import { Catalogue, type CatalogueLimits } from './catalogue.js';
import { hashCodeOf } from './hash-code.js';
import type { Applications, Instance } from './instance.js';
import type { Publisher } from './publication.js';

const LIMITS: CatalogueLimits = { deltaMs: 100, changesMost: 5 };
const publisher = (registerId: string, ...data: string[]): Publisher => ({
  ...{ registerId, zone: 'z', registerTimestamp: 1, data },
});
const as = (...publishers: Publisher[]) => new Map(publishers.map((each) => [each.registerId, each]));
const itself = (each: Publisher) => each;

/** Does what Eureka's client in Java does with what it is told. */
class JavaClient {
  readonly held = new Map<string, Instance>();
  refetches = 0;

  fetch(all: Applications): void {
    this.held.clear();
    for (const instance of instancesOf(all)) this.held.set(key(instance), instance);
  }

  update(delta: Applications, all: () => Applications): void {
    for (const instance of instancesOf(delta)) {
      if (instance.actionType === 'DELETED') this.held.delete(key(instance));
      else this.held.set(key(instance), instance);
    }
    if (hashCodeOf(this.held.values()) === delta.hashCode) return;
    this.refetches++;
    this.fetch(all());
  }

  get texts(): string[] {
    return shown(this.held.values());
  }
}

const key = ({ app, instanceId }: Instance): string => `${app} ${instanceId}`;
const shown = (instances: Iterable<Instance>): string[] =>
  [...instances].map((each) => `${key(each)} ${each.hostName} ${each.status}`).toSorted();

function instancesOf({ applications }: Applications): Instance[] {
  return applications.flatMap(({ instances }) => instances);
}

describe('the catalogue of all applications', () => {
  it('tells all of them, by name, by virtual address and by id', () => {
    const catalogue = new Catalogue(0, LIMITS);
    catalogue.take(0, 'user', as(publisher('a', 'http://h1:1'), publisher('b', 'http://h2:1?weight=0')), itself);
    catalogue.take(0, 'Note', as(publisher('c', 'tcp://h3:1', 'tcp://h4:1')), itself);
    catalogue.take(0, 'flags', as(publisher('d', 'no endpoint')), itself);
    const all = catalogue.all();
    expect(all).toMatchObject({ versionsDelta: 1, hashCode: 'OUT_OF_SERVICE_1_UP_3_' });
    expect(all.applications.map(({ name, instances }) => [name, instances.length])).toEqual([
      ['USER', 2],
      ['~NOTE', 2],
    ]);
    expect(catalogue.byVip('vipAddress', 'Note').hashCode).toBe('UP_2_');
    expect(catalogue.byVip('secureVipAddress', 'nobody')).toMatchObject({ hashCode: '', applications: [] });
    expect(catalogue.find('c#1')?.hostName).toBe('h4');
    expect(catalogue.find('e')).toBeUndefined();
    expect(catalogue.instance('user', 'a')?.hostName).toBe('h1');
    expect(catalogue.instance('Note', 'a')).toBeUndefined();
    expect(catalogue.isEmpty('nobody')).toBe(true);
  });

  it('tells each change once for a while, in its last state, and everything until it knows all changes of that while', () => {
    const catalogue = new Catalogue(0, LIMITS);
    const told = (nowMs: number) =>
      instancesOf(catalogue.delta(nowMs)).map(({ instanceId, actionType }) => `${instanceId} ${actionType}`);
    const a = publisher('a', 'http://h1:1');
    catalogue.take(0, 'user', as(a, publisher('b', 'http://h2:1')), itself);
    expect(told(0)).toEqual(['a ADDED', 'b ADDED']);
    catalogue.take(90, 'user', as(a), itself);
    expect(told(99)).toEqual(['b DELETED', 'a ADDED']);
    expect(told(100)).toEqual(['b DELETED']);
    catalogue.take(110, 'user', as(publisher('a', 'http://h9:1')), itself);
    expect(told(110)).toEqual(['b DELETED', 'a MODIFIED']);
    expect(catalogue.delta(110).hashCode).toBe('UP_1_');
    const { state } = catalogue;
    expect(told(190)).toEqual(['a MODIFIED']);
    expect(told(210)).toEqual([]);
    expect(catalogue.state).toBe(state);
  });

  it('says nothing of what is the same object as before, and forgets a name with all that was in it', () => {
    const catalogue = new Catalogue(0, LIMITS);
    const [a, b] = [publisher('a', 'http://h1:1'), publisher('b', 'http://h2:1')];
    catalogue.take(0, 'user', as(a, b), itself);
    const { state } = catalogue;
    catalogue.take(1, 'user', as(b, a), itself);
    expect(catalogue.state).toBe(state);
    expect(catalogue.deltaState(1)).toBe(catalogue.deltaState(2));
    expect(catalogue.deltaState(1)).not.toBe(catalogue.deltaState(200));
    catalogue.forget(200, 'user');
    expect([...catalogue.names]).toEqual([]);
    expect(instancesOf(catalogue.delta(200)).map(({ actionType }) => actionType)).toEqual(['DELETED', 'DELETED']);
  });

  it('tells everything again when there are more changes than it keeps', () => {
    const catalogue = new Catalogue(-1_000, LIMITS);
    const many = Array.from({ length: 8 }, (_, i) => publisher(`r${i}`, `http://h${i}:1`));
    for (let i = 1; i <= 4; i++) catalogue.take(0, 'user', as(...many.slice(0, i)), itself);
    expect(instancesOf(catalogue.delta(0))).toHaveLength(4);
    for (let i = 5; i <= 8; i++) catalogue.take(50, 'user', as(...many.slice(0, i)), itself);
    expect(instancesOf(catalogue.delta(50))).toHaveLength(8);
    expect(instancesOf(catalogue.delta(149))).toHaveLength(8);
    expect(instancesOf(catalogue.delta(150))).toHaveLength(0);
  });

  /** A client polls more often than changes are forgotten, now one server, now another that has just begun to look. */
  it('never leaves a client with another list that asks for changes in time', () => {
    const change = fc.record({
      afterMs: fc.nat(60),
      dataId: fc.constantFrom('user', 'note'),
      registerIds: fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 4 }),
      version: fc.nat(1),
      server: fc.nat(1),
      begins: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(change, { maxLength: 30 }), (changes) => {
        let nowMs = 0;
        const client = new JavaClient();
        const truth = new Map<string, Map<string, Publisher>>();
        const servers = [new Catalogue(0, LIMITS), new Catalogue(0, LIMITS)];
        const pollAt = servers.map(() => 0);
        client.fetch(servers[0]!.all());
        for (const { afterMs, dataId, registerIds, version, server, begins } of changes) {
          nowMs += afterMs;
          const before = truth.get(dataId);
          const list = registerIds.map((id) => {
            const now = publisher(id, `http://h-${id}-${version}:1`);
            const old = before?.get(id);
            return old?.data[0] === now.data[0] ? old! : now;
          });
          truth.set(dataId, as(...list));
          if (begins) {
            servers[server] = new Catalogue(nowMs, LIMITS);
            for (const [name, some] of truth) servers[server]!.take(nowMs, name, some, itself);
          }
          for (const each of servers) each.take(nowMs, dataId, truth.get(dataId)!, itself);
          pollAt[server] = nowMs;
          const asked = servers[server]!;
          client.update(asked.delta(nowMs), () => asked.all());
          expect(client.texts).toEqual(shown(instancesOf(asked.all())));
        }
      }),
    );
  });

  it('has a client that was never told less than everything fetch nothing anew', () => {
    const catalogue = new Catalogue(-1_000, LIMITS);
    const client = new JavaClient();
    client.fetch(catalogue.all());
    for (let i = 0; i < 50; i++) {
      const ids = ['a', 'b', 'c', 'd'].filter((_, bit) => (i >> bit) % 2 === 0);
      catalogue.take(i * 30, 'user', as(...ids.map((id) => publisher(id, `http://${id}:1?weight=${i % 2}`))), itself);
      client.update(catalogue.delta(i * 30), () => catalogue.all());
      expect(client.texts).toEqual(shown(instancesOf(catalogue.all())));
    }
    expect(client.refetches).toBe(0);
  });
});
