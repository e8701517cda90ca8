import type { Notice, Push } from '#model';
import { type ConfigFrame, type EventFrame, type EventIds, type PushFrame, aloneId, presentFrame } from '#registry';
import { SharedBody, compressed, decodeBody } from '#wire';

/**
 * A frame is one object for all who are sent it, so what is encoded for one is kept with it for the others. It goes
 * when the frame goes.
 */
const packed = new WeakMap<PushFrame | ConfigFrame | Notice, SharedBody>();
const compact = new WeakMap<PushFrame | ConfigFrame, SharedBody>();
const events = new WeakMap<PushFrame, string>();
const eventsOfSeveral = new WeakMap<PushFrame, string>();

/** A smaller push fits into a few packets, and is read sooner as it is. */
const COMPRESS_ABOVE_BYTES = 32 * 1024;

/** The frame as RPC clients read it. */
export function sharedPush(frame: PushFrame | ConfigFrame, readsCompressed: boolean): SharedBody {
  let body = packed.get(frame);
  if (!body) {
    body = SharedBody.of(frame.type === 'config' ? frame : presentFrame(frame, decodeBody));
    packed.set(frame, body);
  }
  if (!readsCompressed || body.packed.byteLength <= COMPRESS_ABOVE_BYTES) return body;
  let small = compact.get(frame);
  if (!small) compact.set(frame, (small = compressed(body)));
  return small;
}

/** What many are told about their connections is one object, too. */
export function sharedNotice(notice: Notice): SharedBody {
  let body = packed.get(notice);
  if (!body) packed.set(notice, (body = SharedBody.of(notice)));
  return body;
}

/**
 * The frame as a server-sent event. Where other datums are watched beside it the id tells of those too, and is the stream's
 * own; else the whole text is shared.
 */
export function sharedEvent(frame: EventFrame, ids: EventIds): string {
  if (ids.areSeveral) return `id: ${ids.idOf(frame)}\n${sharedLines(frame)}`;
  let text = events.get(frame);
  if (text === undefined) events.set(frame, (text = `id: ${aloneId(frame)}\n${eventLines(frame)}`));
  return text;
}

/** Its id brings nothing that is not newer, after a reconnect to any session server. */
export function configEvent({ type: _type, ...value }: ConfigFrame): string {
  return `id: ${value.clusterId}:${value.version}\nevent: config\ndata: ${JSON.stringify(value)}\n\n`;
}

function sharedLines(frame: EventFrame): string {
  let text = eventsOfSeveral.get(frame);
  if (text === undefined) eventsOfSeveral.set(frame, (text = eventLines(frame)));
  return text;
}

/** All but the id. */
function eventLines(frame: EventFrame): string {
  const { type, ...push } = presentFrame(frame, decodeBody) as Push & { type: EventFrame['type'] };
  return `event: ${type === 'delta' ? 'delta' : 'snapshot'}\ndata: ${JSON.stringify(eventData(type, push))}\n\n`;
}

/** A reader of events cannot merge, so a partial list stands for itself and says that it is not complete. */
function eventData(type: EventFrame['type'], push: object): object {
  if (type !== 'partial') return push;
  const { removed: _removed, ...list } = push as { removed: string[] };
  return { ...list, partial: true };
}
