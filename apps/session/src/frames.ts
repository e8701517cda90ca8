import type { Push } from '#model';
import { type PushFrame, presentFrame } from '#registry';
import { SharedBody, compressed, decodeBody } from '#wire';

/**
 * A frame is one object for all who are sent it, so what is encoded for one is kept with it for the others. It goes
 * when the frame goes.
 */
const packed = new WeakMap<PushFrame, SharedBody>();
const compact = new WeakMap<PushFrame, SharedBody>();
const events = new WeakMap<PushFrame, string>();

/** A smaller push fits into a few packets, and is read sooner as it is. */
const COMPRESS_ABOVE_BYTES = 32 * 1024;

/** The frame as RPC clients read it. */
export function sharedPush(frame: PushFrame, readsCompressed: boolean): SharedBody {
  let body = packed.get(frame);
  if (!body) packed.set(frame, (body = SharedBody.of(presentFrame(frame, decodeBody))));
  if (!readsCompressed || body.packed.byteLength <= COMPRESS_ABOVE_BYTES) return body;
  let small = compact.get(frame);
  if (!small) compact.set(frame, (small = compressed(body)));
  return small;
}

export type EventFrame = PushFrame & { type: 'snapshot' | 'partial' | 'delta' };

/**
 * The frame as a server-sent event. Its id names the cluster too, since versions compare only within one, and the hash of
 * the list, so that a reader that comes back to any session server is told what has changed, or that nothing has.
 */
export function sharedEvent(frame: EventFrame): string {
  let text = events.get(frame);
  if (text === undefined) {
    const { type, ...push } = presentFrame(frame, decodeBody) as Push & { type: EventFrame['type'] };
    const { clusterId, version } = push;
    const hash = 'hash' in push && push.hash !== undefined ? `:${push.hash}` : '';
    const id = `${clusterId}:${version}${hash}`;
    text = `event: ${type === 'delta' ? 'delta' : 'snapshot'}\nid: ${id}\ndata: ${JSON.stringify(eventData(type, push))}\n\n`;
    events.set(frame, text);
  }
  return text;
}

/** A reader of events cannot merge, so a partial list stands for itself and says that it is not complete. */
function eventData(type: EventFrame['type'], push: object): object {
  if (type !== 'partial') return push;
  const { removed: _removed, ...list } = push as { removed: string[] };
  return { ...list, partial: true };
}
