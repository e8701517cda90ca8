import type { Operation } from '#model';
import { BOUNDS } from './limits.js';
import type { Sent } from './slot-link.js';

/** Cuts a list into messages that stay below the limit of a frame. */
export function* chunks(sent: Sent[]): Generator<Sent[]> {
  let chunk: Sent[] = [];
  let bytes = 0;
  for (const one of sent) {
    const size = sizeOf(one.operation);
    if (chunk.length > 0 && (chunk.length >= BOUNDS.messageOperations || bytes + size > BOUNDS.messageBytes)) {
      yield chunk;
      chunk = [];
      bytes = 0;
    }
    chunk.push(one);
    bytes += size;
  }
  if (chunk.length > 0) yield chunk;
}

/** An upper estimate of the encoded size. */
function sizeOf(operation: Operation): number {
  if (operation.op === 'unpublish') return 128 + 3 * (operation.registerId.length + operation.dataInfoId.length);
  const { registerId, dataInfoId, zone, appName, body } = operation.publication;
  return 256 + 3 * (registerId.length + dataInfoId.length + zone.length + appName.length) + body.byteLength;
}
