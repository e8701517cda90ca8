import { type Failure, failure, isPlainObject, type PeerHello, PROTOCOL_VERSION, type ServerRole } from '#model';

const ROLES: readonly ServerRole[] = ['meta', 'data', 'session'];
const MAX_ID_LENGTH = 128;

/** The hello that a peer sent, or why there can be no link with it. Fields that this version does not know are ignored. */
export function readHello(
  value: unknown,
  own: PeerHello,
  acceptRoles: readonly ServerRole[] = ROLES,
): { hello: PeerHello } | { refusal: Failure } {
  if (!isPlainObject(value)) return { refusal: failure('BAD_REQUEST', 'A hello is a map.') };
  const { protocol, role, incarnation, version, clusterId, era, featureLevel } = value;
  if (protocol !== PROTOCOL_VERSION) {
    const message = `Protocol ${String(protocol)} is not spoken here, ${PROTOCOL_VERSION} is.`;
    return { refusal: failure('UNSUPPORTED_PROTOCOL', message, { details: { protocol: PROTOCOL_VERSION } }) };
  }
  if (!isId(incarnation)) return { refusal: failure('BAD_REQUEST', 'A hello names the incarnation of its sender.') };
  if (clusterId !== undefined && clusterId !== null && !isId(clusterId))
    return { refusal: failure('BAD_REQUEST', 'A clusterId is a string.') };
  if (!acceptRoles.includes(role as ServerRole))
    return { refusal: failure('BAD_REQUEST', `No link is kept here with the role ${String(role)}.`) };
  const hello: PeerHello = { protocol, role: role as ServerRole, incarnation };
  if (isId(version)) hello.version = version;
  if (isId(clusterId)) hello.clusterId = clusterId;
  if (isCount(era)) hello.era = era;
  if (isCount(featureLevel)) hello.featureLevel = featureLevel;
  if (hello.clusterId !== undefined && own.clusterId !== undefined && hello.clusterId !== own.clusterId) {
    const message = `The peer belongs to cluster ${hello.clusterId}, this server to ${own.clusterId}.`;
    return { refusal: failure('CLUSTER_MISMATCH', message, { details: { clusterId: own.clusterId } }) };
  }
  return { hello };
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isId(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= MAX_ID_LENGTH;
}
