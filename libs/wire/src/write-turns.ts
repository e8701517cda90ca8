/** What has something to write when its turn comes. */
interface Waiting {
  flush(): void;
}

/**
 * So many sockets wait for the end of the turn; with one more they are written to at once. Few enough that a change for
 * thousands is on its way to the first of them while it is still being written to the others, and enough that what one
 * connection is sent about several things in one turn is mostly sent together.
 */
const TURN = 32;

/**
 * Where reading takes longer than this, as when thousands of clients come at once, lists go before the turn is at its end.
 * Among them are a server's heartbeats.
 */
const TURN_MS = 10;

/**
 * Of all of the process, for the end of one turn of the event loop, when all that had arrived at its beginning has been
 * read. What is alone waits for nothing; but where many connections are read from in one turn, what comes of it for one peer
 * is one write, where the end of each callback would make it one for each connection that was read from.
 */
const batches = new Set<Waiting>();
const sockets = new Set<Waiting>();
let isScheduled = false;
let beganAtMs = 0;

/** Has a socket flushed at the end of the turn, or before. */
export function flushLater(socket: Waiting): void {
  sockets.add(socket);
  if (sockets.size > TURN) flushAll(sockets);
  else schedule();
}

/** Has a list of messages closed at the end of the turn, or before, and then the sockets flushed, to one of which it goes. */
export function closeLater(batch: Waiting): void {
  batches.add(batch);
  if (isScheduled && performance.now() - beganAtMs > TURN_MS) flushLong();
  else schedule();
}

function schedule(): void {
  if (isScheduled) return;
  isScheduled = true;
  beganAtMs = performance.now();
  setImmediate(endTurn);
}

/** What waits is written, and the turn counts as begun anew. */
function flushLong(): void {
  beganAtMs = performance.now();
  flushAll(batches);
  flushAll(sockets);
}

function endTurn(): void {
  try {
    // What the end of this turn has to write belongs to it.
    flushAll(batches);
    flushAll(sockets);
  } finally {
    isScheduled = false;
    if (batches.size + sockets.size > 0) schedule();
  }
}

/** Should one of them throw, the others have their turn all the same, later. */
function flushAll(waiting: Set<Waiting>): void {
  const all = [...waiting];
  waiting.clear();
  let begun = 0;
  try {
    for (const each of all) {
      begun++;
      each.flush();
    }
  } finally {
    for (let i = begun; i < all.length; i++) waiting.add(all[i]!);
    if (begun < all.length) schedule();
  }
}
