import { checkName, formatEndpoint, parseEndpoint } from '#model';
import { goMicro } from './go-micro.js';
import { goZero } from './go-zero.js';
import { kitex } from './kitex.js';
import { Malformed, type Style } from './layout.js';

const STYLES: readonly Style[] = [kitex, goMicro, goZero];

/** The field of a publication, beside its data, that says under which key of etcd it was put. */
export const ETCD_FIELD = 'etcd';

/** What the URL of an endpoint does not tell of the key and the value that it was made of. */
export interface Origin {
  style: string;
  key: string;
  /** Left out where it is just what the style writes for the URL. */
  value?: string;
}

/** A key that is of a known layout. */
export interface Place {
  style: Style;
  key: string;
  /** Which is the dataId. */
  service: string;
  node: string;
}

/** What is published for a key of a known layout. */
export interface Published {
  dataId: string;
  data: string[];
  [ETCD_FIELD]: Origin;
}

export interface KeyedValue {
  key: Uint8Array;
  value: Uint8Array;
}

/** A style where its programs use it: below a prefix of their own or the usual one. */
interface Layout {
  style: Style;
  prefix: string;
}

/** Which keys are services that somebody registers, and what they are for everybody else: publications of endpoints. */
export class Layouts {
  /** @param layouts the longest prefix first, which is the nearest: one that is empty has everything below it */
  private constructor(private readonly layouts: readonly Layout[]) {}

  /**
   * @param names each the name of a style, or with the prefix that its programs are told to use: `kitex:my/prefix`
   * @throws RangeError for a style that there is not, or a prefix within another
   */
  static of(names: readonly string[]): Layouts {
    const layouts = names.map(layoutOf);
    for (const one of layouts)
      for (const other of layouts)
        if (one !== other && one.prefix !== '' && other.prefix !== '' && one.prefix.startsWith(other.prefix))
          throw new RangeError(`${JSON.stringify(one.prefix)} begins with the prefix of another layout`);
    return new Layouts(layouts.toSorted((a, b) => b.prefix.length - a.prefix.length));
  }

  /** Where a key is in them; undefined for any other, and for a service whose name no dataId can have. */
  placeOf(key: Uint8Array): Place | undefined {
    const text = textOf(key);
    if (text === undefined) return undefined;
    for (const { style, prefix } of this.layouts) {
      if (!text.startsWith(prefix)) continue;
      const [service = '', node = '', ...deeper] = text.slice(prefix.length).split('/');
      if (deeper.length === 0 && style.isNode(node) && !checkName('dataId', service))
        return { style, key: text, service, node };
    }
    return undefined;
  }

  /**
   * What everybody sees of a service whose programs do not register in etcd: a key for each of its endpoints, in each layout
   * whose programs could call it.
   */
  keysOf(dataId: string, registerId: string, data: readonly string[]): KeyedValue[] {
    if (dataId.includes('/')) return [];
    return data.flatMap((url, index) => {
      const endpoint = parseEndpoint(url);
      if (!endpoint) return [];
      const ownId = index === 0 ? registerId : `${registerId}#${index}`;
      return this.layouts.flatMap(({ style, prefix }) => {
        const node = style.nodeOf(endpoint, ownId);
        const value = style.write(dataId, node, endpoint);
        return value === undefined ? [] : [bytesOf(`${prefix}${dataId}/${node}`, value)];
      });
    });
  }
}

/**
 * What is published for the value at a place.
 * @throws Malformed for a value that the programs of that layout could not read either
 */
export function publish({ style, key, service, node }: Place, value: Uint8Array): Published {
  const text = textOf(value);
  if (text === undefined) throw new Malformed('it is no UTF-8');
  const url = formatEndpoint(style.read(text));
  const isTold = style.write(service, node, parseEndpoint(url)!) === text;
  return {
    dataId: service,
    data: [url],
    [ETCD_FIELD]: { style: style.name, key, ...(isTold ? {} : { value: text }) },
  };
}

/** The key and the value that a publication was made of, to the byte; undefined for one that was made otherwise. */
export function keyOf(
  published: { readonly data?: unknown; readonly [ETCD_FIELD]?: unknown },
  dataId: string,
): KeyedValue | undefined {
  const origin = published[ETCD_FIELD];
  if (!isOrigin(origin)) return undefined;
  const { key, value = rewritten(origin, published.data, dataId) } = origin;
  return value === undefined ? undefined : bytesOf(key, value);
}

function rewritten({ style: name, key }: Origin, data: unknown, dataId: string): string | undefined {
  const style = STYLES.find((each) => each.name === name);
  const url: unknown = Array.isArray(data) ? data[0] : undefined;
  const endpoint = typeof url === 'string' ? parseEndpoint(url) : undefined;
  return endpoint && style?.write(dataId, key.slice(key.lastIndexOf('/') + 1), endpoint);
}

function isOrigin(value: unknown): value is Origin {
  if (typeof value !== 'object' || value === null) return false;
  const { style, key, value: text } = value as Record<string, unknown>;
  return typeof style === 'string' && typeof key === 'string' && (text === undefined || typeof text === 'string');
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

function bytesOf(key: string, value: string): KeyedValue {
  const encoder = new TextEncoder();
  return { key: encoder.encode(key), value: encoder.encode(value) };
}
