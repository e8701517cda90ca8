import type { FastifyReply } from 'fastify';
import { type PushFrame, supersede } from '#registry';
import { type EventFrame, sharedEvent } from '../frames.js';
import type { ConnectionSink } from '../session.host.js';

const HEARTBEAT_MS = 10_000;

/**
 * One stream of server-sent events. While its reader is slow only the newest state waits for it, so that it costs a
 * bounded amount of memory however slow it is. Comments tell readers and proxies that the stream lives.
 */
export class EventStream implements ConnectionSink {
  private opened = false;
  private waiting: EventFrame | undefined;
  private draining = false;
  private heartbeat: NodeJS.Timeout | undefined;

  constructor(private readonly reply: FastifyReply) {}

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

  push(_subscriptionId: string, frame: PushFrame): void {
    this.open();
    if (frame.type === 'pending') this.comment('pending');
    else if (frame.type === 'unchanged') this.comment('unchanged');
    // An empty list that is not complete says nothing, and must not be taken for an empty one.
    else if (frame.type === 'partial' && frame.publications.length === 0) this.comment('partial');
    else if (this.draining) this.waiting = supersede(this.waiting, frame) as EventFrame;
    else this.write(sharedEvent(frame as EventFrame));
  }

  notice(): void {}

  close(): void {
    clearInterval(this.heartbeat);
    this.reply.raw.end();
  }

  private comment(text: string): void {
    if (!this.draining) this.write(`: ${text}\n\n`);
  }

  private write(text: string): void {
    if (this.reply.raw.destroyed || this.reply.raw.write(text)) return;
    this.draining = true;
    this.reply.raw.once('drain', () => {
      this.draining = false;
      const frame = this.waiting;
      this.waiting = undefined;
      if (frame) this.write(sharedEvent(frame));
    });
  }
}
