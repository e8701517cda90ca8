import { RegistryError } from '#model';

/** @throws RegistryError DEADLINE_EXCEEDED when the work has not ended by then; whatever it comes to later is nobody's */
export function within<T>(ms: number, work: Promise<T>, message: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new RegistryError('DEADLINE_EXCEEDED', message)), ms);
    const ended =
      <Outcome>(settle: (outcome: Outcome) => void) =>
      (outcome: Outcome): void => {
        clearTimeout(timer);
        settle(outcome);
      };
    work.then(ended(resolve), ended(reject));
  });
}
