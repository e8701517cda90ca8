import { type LogEffect } from '#model';
import { type Observer, Violation } from '#sim';

/** Whatever dies or is cut, no brain meets a situation that it reports as an error of its own or of a peer's. */
export function noErrors(): Observer {
  return {
    effect: (node, effect) => {
      const { type, level, event, fields } = effect as LogEffect;
      if (type === 'log' && level === 'error')
        throw new Violation('no errors', `${node} logs ${event} ${JSON.stringify(fields ?? {})}`);
    },
  };
}
