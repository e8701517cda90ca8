import { DEFAULT_GROUP, DEFAULT_INSTANCE_ID, checkName, formatEndpoint, parseEndpoint, toDataInfoId } from '#model';
import { type Key, type Span, toBytes, toKey } from '../bytes.js';
import type { KeyLayout, KeyPlace } from '../placement.js';
import { goMicro } from './go-micro.js';
import { goZero } from './go-zero.js';
import { kitex } from './kitex.js';
import { Malformed, type Style } from './layout.js';

const STYLES: readonly Style[] = [kitex, goMicro, goZero];

/** As much as the caller's own id of a publication may have here. */
const MAX_KEY_BYTES = 1_024;

/** Told of a value under a known layout that is none of it, and of why. */
export type OnMalformed = (key: string, why: string) => void;

export interface KeyedValue {
  key: Uint8Array;
  value: Uint8Array;
}

/** A service in one layout. */
export interface ServiceKeys {
  dataId: string;
  /** Of a publication that was not made over etcd. */
  keysOf(registerId: string, data: readonly string[]): KeyedValue[];
}

/** The parts of a key of a layout. */
interface Parts {
  key: string;
  /** Which is the dataId. */
  service: string;
  node: string;
}

/** A style where its programs use it: below a prefix of their own or the usual one. */
interface Layout {
  style: Style;
  prefix: string;
}

/** Which keys are services that somebody registers, and what they are for everybody else: publications of endpoints. */
export class Layouts {
  /** How the keyspace keeps such keys. */
  readonly keyLayouts: readonly KeyLayout[];

  /** @param layouts the longest prefix first, which is the nearest: one that is empty has everything below it */
  private constructor(
    private readonly layouts: readonly Layout[],
    private readonly onMalformed: OnMalformed,
  ) {
    this.keyLayouts = layouts.map((layout) => ({
      placeOf: (key) => placeOf(partsOf(key, layout)),
      dataOf: (key, value) => this.dataOf(layout, key, value),
    }));
  }

  /**
   * @param names each the name of a style, or with the prefix that its programs are told to use: `kitex:my/prefix`
   * @throws RangeError for a style that there is not, or a prefix within another
   */
  static of(names: readonly string[], onMalformed: OnMalformed): Layouts {
    const layouts = names.map(layoutOf);
    for (const one of layouts)
      for (const other of layouts)
        if (one !== other && one.prefix !== '' && other.prefix !== '' && one.prefix.startsWith(other.prefix))
          throw new RangeError(`${JSON.stringify(one.prefix)} begins with the prefix of another layout`);
    const nearestFirst = layouts.toSorted((a, b) => b.prefix.length - a.prefix.length);
    return new Layouts(nearestFirst, onMalformed);
  }

  /** What native subscribers read of a key: nothing of a value that the programs of that layout could not read either. */
  private dataOf({ style }: Layout, key: Key, value: Uint8Array): string[] {
    try {
      const text = textOf(value);
      if (text === undefined) throw new Malformed('it is no UTF-8');
      return [formatEndpoint(style.read(text))];
    } catch (error) {
      if (!(error instanceof Malformed)) throw error;
      this.onMalformed(textOf(toBytes(key))!, error.message);
      return [];
    }
  }

  /** The service whose keys alone are in a range; undefined where there may be others in it. */
  serviceWithin(span: Span): ServiceKeys | undefined {
    for (const layout of this.layouts) {
      const { prefix } = layout;
      const key = textOf(toBytes(span.key));
      const slash = key?.startsWith(prefix) ? key.indexOf('/', prefix.length) : -1;
      const dataId = key?.slice(prefix.length, slash) ?? '';
      if (slash < 0 || checkName('dataId', dataId)) continue;
      const directory = span.key.slice(0, span.key.indexOf('/', toKey(utf8(prefix)).length) + 1);
      // Behind a slash, in the order of bytes, comes 0.
      if (span.end === '' || (span.end !== '\0' && span.end <= `${directory.slice(0, -1)}0`))
        return { dataId, keysOf: (registerId, data) => keysOf(layout, dataId, registerId, data) };
    }
    return undefined;
  }
}

/**
 * What everybody sees of a service whose programs do not register in etcd: a key for each of its endpoints that the programs of
 * the layout could call.
 */
function keysOf({ style, prefix }: Layout, dataId: string, registerId: string, data: readonly string[]): KeyedValue[] {
  return data.flatMap((url, index) => {
    const endpoint = parseEndpoint(url);
    if (!endpoint) return [];
    const node = style.nodeOf(endpoint, index === 0 ? registerId : `${registerId}#${index}`);
    const value = style.write(dataId, node, endpoint);
    return value === undefined ? [] : [{ key: utf8(`${prefix}${dataId}/${node}`), value: utf8(value) }];
  });
}

/** The key itself, which no other has, of the datum of the service. */
function placeOf(parts: Parts | undefined): KeyPlace | undefined {
  if (!parts) return undefined;
  const { service: dataId, key: ownId } = parts;
  return { dataInfoId: toDataInfoId({ dataId, group: DEFAULT_GROUP, instanceId: DEFAULT_INSTANCE_ID }), ownId };
}

/** Undefined for any other key, and for a service whose name no dataId can have. */
function partsOf(binary: Key, { style, prefix }: Layout): Parts | undefined {
  const key = textOf(toBytes(binary));
  if (!key?.startsWith(prefix)) return undefined;
  const [service = '', node = '', ...deeper] = key.slice(prefix.length).split('/');
  const isKey = deeper.length === 0 && style.isNode(node) && !checkName('key', key, MAX_KEY_BYTES);
  return isKey && !checkName('dataId', service) ? { key, service, node } : undefined;
}

function layoutOf(text: string): Layout {
  const colon = text.indexOf(':');
  const name = colon < 0 ? text : text.slice(0, colon);
  const style = STYLES.find((each) => each.name === name);
  if (!style)
    throw new RangeError(`${name} is none of the known layouts: ${STYLES.map((each) => each.name).join(', ')}`);
  if (colon < 0) return { style, prefix: style.prefix };
  const prefix = text.slice(colon + 1);
  return { style, prefix: prefix === '' || prefix.endsWith('/') ? prefix : `${prefix}/` };
}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function textOf(bytes: Uint8Array): string | undefined {
  try {
    return UTF8.decode(bytes);
  } catch {
    return undefined;
  }
}

function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
