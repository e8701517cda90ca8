import type { FastifyReply } from 'fastify';
import type { EventFrame, EventIds } from '#registry';
import { configEvent, sharedEvent } from '../frames.js';
import { type PacedConnection, type PacedFrame, PushPacer } from '../push-pacer.js';
import type { ConnectionSink } from '../session.host.js';

const HEARTBEAT_MS = 10_000;

/**
 * One stream of server-sent events, paced by its reader, so that it costs a bounded amount of memory however slow that is.
 * Comments tell readers and proxies that the stream lives.
 */
export class EventStream implements ConnectionSink, PacedConnection {
  private opened = false;
  private readonly pacer: PushPacer;
  private heartbeat: NodeJS.Timeout | undefined;

  constructor(
    private readonly reply: FastifyReply,
    private readonly ids: EventIds,
    backedUp: (isBackedUp: boolean) => void,
  ) {
    this.pacer = new PushPacer(this, (_, frame) => this.send(frame), backedUp);
  }

  /** True while the reader takes less than is written. */
  get backedUp(): boolean {
    return this.reply.raw.writableNeedDrain;
  }

  onDrain(listener: () => void): () => void {
    this.reply.raw.once('drain', listener);
    return () => void this.reply.raw.off('drain', listener);
  }

  get isOpen(): boolean {
    return this.opened;
  }

  onClose(listener: () => void): void {
    this.reply.raw.once('close', () => {
      clearInterval(this.heartbeat);
      listener();
    });
  }

  /** Takes the reply over from Fastify and sends its head. */
  open(): void {
    if (this.opened) return;
    this.opened = true;
    this.reply.hijack();
    this.reply.raw.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
    });
    this.reply.raw.flushHeaders();
    this.heartbeat = setInterval(() => this.comment('heartbeat'), HEARTBEAT_MS);
  }

  push(subscriptionId: string, frame: PacedFrame): void {
    this.open();
    this.pacer.push(subscriptionId, frame);
  }

  notice(): void {}

  /** Where nothing has been sent yet, the request is still to be answered. */
  close(): void {
    if (!this.opened) return;
    clearInterval(this.heartbeat);
    this.reply.raw.end();
  }

  private send(frame: PacedFrame): void {
    if (frame.type === 'config') return this.write(configEvent(frame));
    if (frame.type === 'pending') return this.comment('pending', frame.dataInfoId);
    // An empty list that is not complete says nothing, and must not be taken for an empty one.
    if (frame.type === 'partial' && frame.publications.length === 0) return this.comment('partial', frame.dataInfoId);
    this.ids.note(frame);
    if (frame.type === 'unchanged') this.comment('unchanged', frame.dataInfoId);
    else this.write(sharedEvent(frame as EventFrame, this.ids));
  }

  /** @param of which datum, where several are watched */
  private comment(text: string, of?: string): void {
    const subject = of !== undefined && this.ids.areSeveral ? ` ${of}` : '';
    if (!this.backedUp) this.write(`: ${text}${subject}\n\n`);
  }

  private write(text: string): void {
    if (!this.reply.raw.destroyed) this.reply.raw.write(text);
  }
}
