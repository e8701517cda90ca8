import { Malformed, type Style, addressOf, endpointAt, goJson, goMap, readObject, readTexts } from './layout.js';

/** What a URL may begin with. */
const SCHEME = /^[a-z][a-z0-9+.-]*$/;

/** go-micro: a service with its one node as JSON, under the names of both, in which a slash has become a dash. */
export const goMicro: Style = {
  name: 'go-micro',
  prefix: '/micro/registry/',

  isNode: (node) => node !== '' && !node.includes('/'),

  read(value) {
    const { name, version, nodes } = readObject(value);
    if (typeof name !== 'string') throw new Malformed('its name is no string');
    if (!Array.isArray(nodes) || nodes.length !== 1) throw new Malformed('it has not one node');
    const { address, metadata, id } = readObject(JSON.stringify(nodes[0]));
    if (typeof id !== 'string' || typeof address !== 'string')
      throw new Malformed('its node has no id or no address that is a string');
    const { protocol, ...parameters } = readTexts('metadata', metadata);
    const isScheme = protocol !== undefined && SCHEME.test(protocol);
    return endpointAt(isScheme ? protocol : 'tcp', address, {
      ...(typeof version === 'string' && version !== '' ? { version } : {}),
      parameters: isScheme || protocol === undefined ? parameters : { ...parameters, protocol },
    });
  },

  write(service, node, endpoint) {
    const { protocol, weight, version = '', parameters } = endpoint;
    if (weight === 0) return undefined;
    return goJson({
      name: service,
      version,
      metadata: null,
      endpoints: null,
      nodes: [{ metadata: goMap({ ...parameters, protocol }), id: node, address: addressOf(endpoint) }],
    });
  },

  nodeOf: (_endpoint, ownId) => ownId.replaceAll('/', '-'),
};
