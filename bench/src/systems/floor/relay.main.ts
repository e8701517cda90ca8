import { type Socket, connect, createServer } from 'node:net';
import { FrameReader, frame } from '../frames.js';

/**
 * The floor: what sockets and msgpack alone cost on the same path, with no book-keeping but who wants which topic. The
 * `back` echoes what it gets, as a data server would tell a session server; the `front` sends publications to the back,
 * and what comes back to every subscriber of the topic, encoded once. Nothing is remembered, acknowledged or merged.
 */
const port = Number(process.env.PORT);
const backPort = Number(process.env.BACK_PORT ?? 0);

export type ToRelay = { subscribe: string } | { topic: string; value: string };

function serve(onSocket: (socket: Socket) => void): void {
  createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => socket.destroy());
    onSocket(socket);
  }).listen(port, '127.0.0.1', 4096);
}

function back(): void {
  serve((socket) => {
    const reader = new FrameReader((message) => socket.write(frame(message)));
    socket.on('data', (chunk) => reader.push(chunk));
  });
}

function front(): void {
  const topics = new Map<string, Set<Socket>>();
  const upstream = connect({ port: backPort, host: '127.0.0.1', noDelay: true });
  const fromBack = new FrameReader((message) => {
    const bytes = frame(message);
    for (const subscriber of topics.get((message as { topic: string }).topic) ?? []) subscriber.write(bytes);
  });
  upstream.on('data', (chunk) => fromBack.push(chunk));
  serve((socket) => {
    const reader = new FrameReader((message) => {
      const received = message as ToRelay;
      if ('value' in received) {
        upstream.write(frame(received));
        return;
      }
      let subscribers = topics.get(received.subscribe);
      if (!subscribers) topics.set(received.subscribe, (subscribers = new Set()));
      subscribers.add(socket);
      socket.on('close', () => subscribers.delete(socket));
      socket.write(frame({ subscribed: true }));
    });
    socket.on('data', (chunk) => reader.push(chunk));
  });
}

if (backPort === 0) back();
else front();
process.on('SIGTERM', () => process.exit(0));
