type Listener<Args extends unknown[]> = (...args: Args) => unknown;

/**
 * Typed events whose listeners cannot hurt anybody: what one throws, or rejects with, goes to `onThrow`, and an event
 * without a listener is no error. (Node's EventEmitter would end the process in both cases.)
 */
export class Emitter<Events extends Record<keyof Events, unknown[]>> {
  private readonly listeners = new Map<keyof Events, Set<Listener<never>>>();

  constructor(private readonly onThrow: (error: unknown, name: keyof Events) => void) {}

  on<Name extends keyof Events>(name: Name, listener: Listener<Events[Name]>): void {
    let listeners = this.listeners.get(name);
    if (!listeners) this.listeners.set(name, (listeners = new Set()));
    listeners.add(listener as Listener<never>);
  }

  off<Name extends keyof Events>(name: Name, listener: Listener<Events[Name]>): void {
    this.listeners.get(name)?.delete(listener as Listener<never>);
  }

  isHeard(name: keyof Events): boolean {
    return (this.listeners.get(name)?.size ?? 0) > 0;
  }

  emit<Name extends keyof Events>(name: Name, ...args: Events[Name]): void {
    for (const listener of [...(this.listeners.get(name) ?? [])] as Listener<Events[Name]>[]) {
      try {
        const result = listener(...args);
        if (result instanceof Promise) result.catch((error: unknown) => this.onThrow(error, name));
      } catch (error) {
        this.onThrow(error, name);
      }
    }
  }
}
