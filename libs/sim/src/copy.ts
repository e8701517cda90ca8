/**
 * What happens to a message in transit. `copy`: the receiver gets its own, as over a wire. `freeze`: both sides share
 * one object that neither can change, which finds a core that goes on changing what it has sent. Either way a message
 * that no codec could carry (a Map, a class, a function) is refused where it is sent.
 */
export type Isolation = 'copy' | 'freeze';

export function isolate<T>(message: T, isolation: Isolation): T {
  return isolation === 'copy' ? copyMessage(message) : freezeMessage(message);
}

export function copyMessage<T>(value: T): T {
  return copy(value, '') as T;
}

function copy(value: unknown, path: string): unknown {
  if (value === null || typeof value !== 'object') return scalar(value, path);
  if (value instanceof Uint8Array) return new Uint8Array(value);
  if (Array.isArray(value)) return value.map((item, index) => copy(item, `${path}[${index}]`));
  refuseClass(value, path);
  const result: Record<string, unknown> = {};
  for (const key of Object.keys(value)) result[key] = copy((value as Record<string, unknown>)[key], `${path}.${key}`);
  return result;
}

export function freezeMessage<T>(value: T): T {
  freeze(value, '');
  return value;
}

function freeze(value: unknown, path: string): void {
  if (value === null || typeof value !== 'object') {
    scalar(value, path);
    return;
  }
  if (value instanceof Uint8Array) return;
  if (Object.isFrozen(value) && !Array.isArray(value)) return;
  if (Array.isArray(value)) value.forEach((item, index) => freeze(item, `${path}[${index}]`));
  else {
    refuseClass(value, path);
    for (const key of Object.keys(value)) freeze((value as Record<string, unknown>)[key], `${path}.${key}`);
  }
  Object.freeze(value);
}

function scalar(value: unknown, path: string): unknown {
  if (typeof value === 'function' || typeof value === 'symbol' || typeof value === 'bigint')
    throw new Error(`A message cannot carry the ${typeof value} at ${path || 'its root'}.`);
  return value;
}

/** Objects of another realm, as a test runner makes them, have another Object.prototype: the name must do. */
function refuseClass(value: object, path: string): void {
  const prototype = Object.getPrototypeOf(value) as object | null;
  if (prototype === null || prototype.constructor?.name === 'Object') return;
  throw new Error(`A message cannot carry the ${prototype.constructor?.name} at ${path || 'its root'}.`);
}
