import type { DatumView } from '#model';
import { type PushFrame, presentDatum, presentFrame } from '#registry';
import { SharedBody, decodeBody } from '#wire';

/**
 * A frame is one object for all who are sent it, so what is encoded for one is kept with it for the others. It goes
 * when the frame goes.
 */
const packed = new WeakMap<PushFrame, SharedBody>();
const events = new WeakMap<PushFrame, string>();

/** The frame as RPC clients read it. */
export function sharedPush(frame: PushFrame): SharedBody {
  let body = packed.get(frame);
  if (!body) packed.set(frame, (body = SharedBody.of(presentFrame(frame, decodeBody))));
  return body;
}

export type EventFrame = PushFrame & { type: 'snapshot' | 'partial' };

/** The frame as a server-sent event. Its id names the cluster too, since versions compare only within one. */
export function sharedEvent(frame: EventFrame): string {
  let text = events.get(frame);
  if (text === undefined) {
    const { publishers, ...datum }: DatumView = presentDatum(frame, decodeBody);
    const data = JSON.stringify({ ...datum, publishers });
    text = `event: snapshot\nid: ${datum.clusterId}:${datum.version}\ndata: ${data}\n\n`;
    events.set(frame, text);
  }
  return text;
}
