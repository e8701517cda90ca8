import { hashOf } from '../hash.js';
import { type Style, addressOf, endpointAt } from './layout.js';

const LARGEST_ID = (1n << 63n) - 1n;

/** go-zero: the key of its settings, a slash, and the id of the lease; the address of a gRPC server as value. */
export const goZero: Style = {
  name: 'go-zero',
  prefix: '',

  isNode: (node) => /^\d{1,19}$/.test(node) && BigInt(node) <= LARGEST_ID,

  read: (value) => endpointAt('grpc', value),

  write: (_service, _node, endpoint) => (endpoint.weight === 0 ? undefined : addressOf(endpoint)),

  /** A number, as of a lease. */
  nodeOf: (_endpoint, ownId) => String(hashOf(ownId) & LARGEST_ID),
};
