import type { Endpoint } from '#model';
import { Malformed, type Style, addressOf, endpointAt, goJson, goMap, readObject, readTexts } from './layout.js';

/** What Kitex takes for the weight of an instance that has none, or none above 0. */
const DEFAULT_WEIGHT = 10;

/** The networks that Kitex can dial at a host and a port. */
const NETWORKS = ['tcp', 'tcp4', 'tcp6', 'udp'];

/** CloudWeGo's Kitex, with `github.com/kitex-contrib/registry-etcd`: the address in the key, and an object of JSON as value. */
export const kitex: Style = {
  name: 'kitex',
  prefix: 'kitex/registry-etcd/',

  isNode: (node) => node !== '' && !node.includes('/'),

  read(value) {
    const { network, address, weight, tags } = readObject(value);
    if (typeof network !== 'string' || !NETWORKS.includes(network))
      throw new Malformed(`its network is none of ${NETWORKS.join(', ')}`);
    if (typeof address !== 'string') throw new Malformed('its address is no string');
    if (weight !== undefined && !Number.isInteger(weight)) throw new Malformed('its weight is no whole number');
    const { version, ...parameters } = readTexts('tags', tags);
    return endpointAt(network, address, {
      weight: Number(weight) > 0 ? Math.min(Number(weight), 1_000) : DEFAULT_WEIGHT,
      ...(version === undefined ? {} : { version }),
      parameters,
    });
  },

  write(_service, _node, endpoint) {
    const { protocol, weight, version, parameters } = endpoint;
    // 0 is the usual weight in Kitex, so an instance that is not to be called is not told at all.
    if (weight === 0) return undefined;
    const isNetwork = NETWORKS.includes(protocol);
    const tags = {
      ...parameters,
      ...(version === undefined ? {} : { version }),
      ...(isNetwork ? {} : { protocol }),
    };
    return goJson({
      network: isNetwork ? protocol : 'tcp',
      address: addressOf(endpoint),
      weight: Math.max(1, Math.round(weight)),
      tags: goMap(tags),
    });
  },

  nodeOf: (endpoint: Endpoint) => addressOf(endpoint),
};
