/** What has something to write when its turn comes. */
interface Waiting {
  flush(): void;
}

/**
 * So many wait for the end of the tick; with one more they are written to at once. Few enough that a change for thousands
 * is on its way to the first of them while it is still being written to the others, and enough that what one connection
 * is sent about several things in one tick is mostly sent together.
 */
const TURN = 32;

/** Of all sockets of the process, since a callback for the end of the tick costs about as much as a write does. */
const waiting = new Set<Waiting>();
let isScheduled = false;

/** Has it flushed at the end of the tick, or before. */
export function flushLater(socket: Waiting): void {
  waiting.add(socket);
  if (waiting.size > TURN) flushAll();
  else if (!isScheduled) {
    isScheduled = true;
    process.nextTick(flushAtEnd);
  }
}

function flushAtEnd(): void {
  isScheduled = false;
  flushAll();
}

function flushAll(): void {
  const sockets = [...waiting];
  waiting.clear();
  for (const socket of sockets) socket.flush();
}
