import type { FastifyReply } from 'fastify';
import { EventIds, type SessionRequest } from '#registry';
import type { SessionHost } from '../session.host.js';
import { EventStream } from './event-stream.js';

/**
 * Answers with a stream of server-sent events what is pushed to these requests. Nothing is sent before the first push, so that a
 * refusal can still be an ordinary answer.
 * @throws RegistryError
 */
export async function streamTo(
  host: SessionHost,
  reply: FastifyReply,
  address: string,
  { requests, ids = new EventIds([]) }: { requests: SessionRequest[]; ids?: EventIds },
): Promise<void> {
  const stream = new EventStream(reply, ids, (isBackedUp) => host.backedUp(connection, isBackedUp));
  const connection = host.connect(address, stream);
  stream.onClose(() => host.disconnect(connection));
  try {
    await Promise.all(requests.map((request) => host.request(connection, request)));
  } catch (error) {
    host.disconnect(connection);
    if (!stream.isOpen) throw error;
    stream.close();
    return;
  }
  stream.open();
}
