/** What has something to write when its turn comes. */
interface Waiting {
  flush(): void;
}

/**
 * Those who wait. The set of them is not cleared but replaced: V8 has each table of a set name the next, so once one of them
 * is old, all that follow are kept until the next major collection, which then has to come so much sooner.
 */
class Waiters {
  private waiting = new Set<Waiting>();

  get size(): number {
    return this.waiting.size;
  }

  add(one: Waiting): void {
    this.waiting.add(one);
  }

  /** Should one of them throw, the others have their turn all the same, later. */
  flush(): void {
    const all = this.waiting;
    if (all.size === 0) return;
    this.waiting = new Set();
    let begun = 0;
    try {
      for (const each of all) {
        begun++;
        each.flush();
      }
    } finally {
      if (begun < all.size) {
        for (const each of [...all].slice(begun)) this.waiting.add(each);
        schedule();
      }
    }
  }
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
const batches = new Waiters();
const sockets = new Waiters();
let isScheduled = false;
let beganAtMs = 0;

/** Has a socket flushed at the end of the turn, or before. */
export function flushLater(socket: Waiting): void {
  sockets.add(socket);
  if (sockets.size > TURN) sockets.flush();
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
  batches.flush();
  sockets.flush();
}

function endTurn(): void {
  try {
    // What the end of this turn has to write belongs to it.
    batches.flush();
    sockets.flush();
  } finally {
    isScheduled = false;
    if (batches.size + sockets.size > 0) schedule();
  }
}
