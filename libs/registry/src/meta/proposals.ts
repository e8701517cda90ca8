import type { CommandOf, MetaCommand, MetaEffect } from './contract.js';

/**
 * The commands this leader has proposed and not heard of yet. Asking `has` before each `propose` bounds them: one for a
 * joining server, one for a leaving one, and one for each of the other kinds.
 */
export class Proposals {
  private readonly waiting = new Map<number, MetaCommand>();
  private lastSequence = 0;

  constructor(private readonly emit: (effect: MetaEffect) => void) {}

  get size(): number {
    return this.waiting.size;
  }

  propose(command: MetaCommand): void {
    const sequence = ++this.lastSequence;
    this.waiting.set(sequence, command);
    this.emit({ type: 'propose', sequence, command });
  }

  has<Type extends MetaCommand['type']>(
    type: Type,
    matches: (command: CommandOf<Type>) => boolean = () => true,
  ): boolean {
    for (const command of this.waiting.values())
      if (command.type === type && matches(command as CommandOf<Type>)) return true;
    return false;
  }

  /** The command whose outcome has come; undefined for one of an earlier leadership, which says nothing any more. */
  settle(sequence: number): MetaCommand | undefined {
    const command = this.waiting.get(sequence);
    this.waiting.delete(sequence);
    return command;
  }

  clear(): void {
    this.waiting.clear();
  }
}
