/** One call of a client, in the order of a counter that rises with everything that happens. */
export interface Operation {
  client: string;
  key: string;
  call: { type: 'append'; value: string } | { type: 'read' };
  invokedAt: number;
  /** Infinity: nobody knows whether it was done, or will be. */
  returnedAt: number;
  /** Of a read: the list; of an append: how long the list was with it. */
  result?: { list: readonly string[] } | { length: number };
}

/** States are immutable, and equal when their keys are. */
export interface Model<State> {
  initial: State;
  /** Undefined where the operation cannot have had this result in this state. */
  step(state: State, operation: Operation): State | undefined;
  key(state: State): string;
}

export type Verdict = { ok: true } | { ok: false; reason: string };

/** Beyond this the search is given up, which counts as a failure: an answer must not take forever. */
const MAX_STEPS = 300_000;

interface Event {
  operation: number;
  /** Of the call: its return, when it has one. A return has none. */
  match: Event | undefined;
  isCall: boolean;
  previous: Event | undefined;
  next: Event | undefined;
}

/**
 * Whether there is an order of the operations, each at one moment between its call and its return, in which every
 * result is right. The search is Wing and Gong's with Lowe's memory of what was tried. Operations that never returned
 * may have happened at any time after their call, or not at all.
 */
export function isLinearizable<State>(
  history: readonly Operation[],
  model: Model<State>,
  maxSteps = MAX_STEPS,
): Verdict {
  const head = eventsOf(history);
  const done = new Uint32Array(Math.ceil(history.length / 32));
  const tried = new Set<string>();
  const stack: { event: Event; state: State }[] = [];
  let returnsLeft = history.filter(({ returnedAt }) => returnedAt !== Infinity).length;
  let state = model.initial;
  let steps = 0;
  let event = head.next;
  let furthest = 0;

  while (returnsLeft > 0) {
    if (++steps > maxSteps) return { ok: false, reason: `no answer within ${maxSteps} steps` };
    if (event?.isCall) {
      const index = event.operation;
      const after = model.step(state, history[index]!);
      if (after !== undefined) {
        flip(done, index);
        const memory = `${done.join(',')} ${model.key(after)}`;
        if (!tried.has(memory)) {
          tried.add(memory);
          stack.push({ event, state });
          state = after;
          if (event.match) returnsLeft--;
          furthest = Math.max(furthest, stack.length);
          unlink(event);
          event = head.next;
          continue;
        }
        flip(done, index);
      }
      event = event.next;
      continue;
    }
    // A return whose call has found no place, or the end of calls that cannot all be placed: the last choice was wrong.
    const last = stack.pop();
    if (!last) return { ok: false, reason: `no order explains more than ${furthest} of ${history.length} operations` };
    flip(done, last.event.operation);
    state = last.state;
    if (last.event.match) returnsLeft++;
    relink(last.event);
    event = last.event.next;
  }
  return { ok: true };
}

/**
 * A list that values are appended to, each value once. The longest list that anybody read fixes the order of the values
 * in it, so a state is a length, and the search hardly branches.
 */
export function appendList(history: readonly Operation[]): Model<number> {
  let longest: readonly string[] = [];
  for (const { result } of history)
    if (result && 'list' in result && result.list.length > longest.length) longest = result.list;
  const observed = new Set(longest);
  const isUnseen = ({ call }: Operation): boolean => call.type === 'append' && !observed.has(call.value);
  // Without any, no list was ever longer than the longest seen, or it makes no difference.
  const hasUnseen = history.some((operation) => operation.returnedAt !== Infinity && isUnseen(operation));
  return {
    initial: 0,
    step: (length, operation) => {
      const { call, result } = operation;
      if (call.type === 'read') {
        const list = result && 'list' in result ? result.list : undefined;
        // Nobody saw what it found, so it explains nothing.
        if (!list) return undefined;
        return list.length === length && list.every((value, i) => value === longest[i]) ? length : undefined;
      }
      if (length < longest.length && longest[length] !== call.value) return undefined;
      if (length >= longest.length && !(hasUnseen && isUnseen(operation))) return undefined;
      if (result && 'length' in result && result.length !== length + 1) return undefined;
      return length + 1;
    },
    key: String,
  };
}

/** A register: an append is a write, and a read finds the value written last. For tests of the search itself. */
export const register: Model<string> = {
  initial: '',
  step: (state, { call, result }) => {
    if (call.type === 'append') return call.value;
    return !result || ('list' in result && (result.list[0] ?? '') === state) ? state : undefined;
  },
  key: (state) => state,
};

/** Each key by itself: a history is linearizable when its parts are. */
export function checkByKey(history: readonly Operation[]): Verdict {
  const byKey = new Map<string, Operation[]>();
  for (const operation of history) {
    const part = byKey.get(operation.key);
    if (part) part.push(operation);
    else byKey.set(operation.key, [operation]);
  }
  for (const [key, part] of byKey) {
    const verdict = isLinearizable(part, appendList(part));
    if (!verdict.ok) return { ok: false, reason: `the history of ${key}: ${verdict.reason}` };
  }
  return { ok: true };
}

function eventsOf(history: readonly Operation[]): Event {
  const events = history.flatMap((operation, index) => {
    const call: Event = { operation: index, match: undefined, isCall: true, previous: undefined, next: undefined };
    const timed = [{ at: operation.invokedAt, event: call }];
    if (operation.returnedAt === Infinity) return timed;
    const end: Event = { operation: index, match: undefined, isCall: false, previous: undefined, next: undefined };
    call.match = end;
    return [...timed, { at: operation.returnedAt, event: end }];
  });
  // At the same moment calls come first: what touches may be concurrent.
  events.sort((a, b) => a.at - b.at || Number(b.event.isCall) - Number(a.event.isCall));
  const head: Event = { operation: -1, match: undefined, isCall: false, previous: undefined, next: undefined };
  let last = head;
  for (const { event } of events) {
    last.next = event;
    event.previous = last;
    last = event;
  }
  return head;
}

function unlink(call: Event): void {
  for (const each of [call, call.match]) {
    if (!each) continue;
    each.previous!.next = each.next;
    if (each.next) each.next.previous = each.previous;
  }
}

/** In the reverse order of `unlink`, so that neighbours which were both taken out find each other again. */
function relink(call: Event): void {
  for (const each of [call.match, call]) {
    if (!each) continue;
    each.previous!.next = each;
    if (each.next) each.next.previous = each;
  }
}

function flip(bits: Uint32Array, index: number): void {
  bits[index >>> 5]! ^= 1 << (index & 31);
}
