import { Etcd3, type Watcher } from 'etcd3';
import { RegistryClient, parseEndpoint } from '#client';
import { EurekaClient } from './eureka-client.js';
import { http } from './http.js';
import type { KitexDoor } from './kitex-door.js';
import { Watch } from './watch.js';

/** A session server, at all of its doors. */
export interface Doors {
  rpc: string;
  http: string;
  etcd: string;
}

/** Registers somebody who serves at that host, on port 80. @returns what takes it back */
export type Writer = (service: string, host: string) => Promise<() => Promise<unknown>>;

/** Who serves under a name, by their hosts, as a client of that door knows it at any moment. */
export interface Reader {
  hosts(): string[] | Promise<string[]>;
  close(): unknown;
}

export type OpenReader = (service: string) => Promise<Reader>;

/** What closes at the end of a test. */
export type Closing = (close: () => unknown) => void;

const prefixOf = (service: string): string => `kitex/registry-etcd/${service}/`;
const hostOfKey = (key: string): string => key.slice(key.lastIndexOf('/') + 1).replace(/:80$/, '');
const hostsOf = (data: readonly string[]): string[] => data.map((url) => parseEndpoint(url)!.host);

export function writersAt(doors: Doors, closing: Closing, kitex?: KitexDoor): [string, Writer][] {
  const native = new RegistryClient({ seeds: [doors.rpc] });
  const etcd = new Etcd3({ hosts: doors.etcd });
  closing(() => native.close());
  closing(() => etcd.close());
  const writers: [string, Writer][] = [
    [
      'the SDK',
      async (dataId, host) => {
        const publisher = await native.publish({ dataId, data: [`http://${host}:80`] });
        return () => publisher.unpublish();
      },
    ],
    [
      'REST',
      async (dataId, host) => {
        const data = [`grpc://${host}:80?weight=5`];
        const { body } = await http('POST', `http://${doors.http}/v1/publishers`, { dataId, data });
        return () => http('DELETE', `http://${doors.http}/v1/publishers/${body.registerId}`);
      },
    ],
    [
      'etcd',
      async (service, host) => {
        const lease = etcd.lease(60);
        const value = `{"network":"tcp","address":"${host}:80","weight":10,"tags":null}`;
        await lease.put(`${prefixOf(service)}${host}:80`).value(value);
        return () => lease.revoke();
      },
    ],
    [
      'Eureka',
      async (service, host) => {
        const client = new EurekaClient([`http://${doors.http}`], service.toUpperCase(), host, 60);
        await client.start(30_000, 30_000);
        return () => client.leave();
      },
    ],
  ];
  if (!kitex) return writers;
  const viaKitex: Writer = async (service, host) => {
    await kitex.register(service, `${host}:80`);
    return () => kitex.deregister(service, `${host}:80`);
  };
  return [...writers, ['the extension for Kitex', viaKitex]];
}

export function readersAt(doors: Doors, closing: Closing, kitex?: KitexDoor): [string, OpenReader][] {
  const native = new RegistryClient({ seeds: [doors.rpc] });
  const etcd = new Etcd3({ hosts: doors.etcd });
  closing(() => native.close());
  closing(() => etcd.close());
  const readers: [string, OpenReader][] = [
    [
      'the SDK',
      async (dataId) => {
        const subscriber = native.subscribe({ dataId });
        await subscriber.ready();
        const hosts = (): string[] => hostsOf(subscriber.current()!.publishers.flatMap(({ data }) => data));
        return { hosts, close: () => subscriber.close() };
      },
    ],
    [
      'REST, told by events',
      async (dataId) => {
        const watch = await Watch.open(`http://${doors.http}`, `dataId=${dataId}`);
        await watch.until(({ last }) => last !== undefined);
        return { hosts: () => hostsOf(watch.data), close: () => watch.close() };
      },
    ],
    [
      'REST, asked',
      (dataId) =>
        Promise.resolve({
          hosts: async () => {
            const { body } = await http('GET', `http://${doors.http}/v1/datums?dataId=${dataId}`);
            return hostsOf(body.publishers.flatMap(({ data }: { data: string[] }) => data));
          },
          close: () => {},
        }),
    ],
    [
      'etcd, asked',
      (service) =>
        Promise.resolve({
          hosts: async () => (await etcd.getAll().prefix(prefixOf(service)).keys()).map(hostOfKey),
          close: () => {},
        }),
    ],
    ['etcd, told by a watch', (service) => watchKeys(etcd, prefixOf(service))],
    [
      'Eureka',
      async (service) => {
        const client = new EurekaClient([`http://${doors.http}`], 'READER', '10.9.9.9', 60);
        await client.start(30_000, 100);
        return { hosts: () => client.hostsOf(service.toUpperCase()), close: () => client.leave() };
      },
    ],
  ];
  if (!kitex) return readers;
  const viaKitex: OpenReader = async (service) => {
    await kitex.find(service);
    const hosts = async (): Promise<string[]> =>
      (await kitex.find(service)).map((address) => address.replace(/:80$/, ''));
    return { hosts, close: () => {} };
  };
  return [...readers, ['the extension for Kitex', viaKitex]];
}

/** As clients of etcd do it: reads, watches from there on, and begins anew where that is compacted, as when a slot has moved. */
async function watchKeys(etcd: Etcd3, prefix: string): Promise<Reader> {
  let held = new Set<string>();
  let isOver = false;
  let problem: unknown;
  const begin = async (): Promise<Watcher> => {
    const { header, kvs } = await etcd.getAll().prefix(prefix).exec();
    const from = String(BigInt(header.revision) + 1n);
    const watcher = await etcd.watch().prefix(prefix).startRevision(from).create();
    held = new Set(kvs.map(({ key }) => hostOfKey(key.toString())));
    watcher.on('put', ({ key }) => held.add(hostOfKey(key.toString())));
    watcher.on('delete', ({ key }) => held.delete(hostOfKey(key.toString())));
    watcher.on('error', () => {
      if (isOver) return;
      watching = begin();
      watching.catch((error: unknown) => (problem = error));
    });
    return watcher;
  };
  let watching = begin();
  await watching;
  const close = async (): Promise<void> => {
    isOver = true;
    await (await watching).cancel();
  };
  const hosts = (): string[] => {
    if (problem !== undefined) throw problem;
    return [...held];
  };
  return { hosts, close };
}
