import { type LogEffect } from '#model';
import { type Cluster, type Observer, Violation } from '#sim';

/** Whatever dies or is cut, no brain meets a situation that it reports as an error of its own or of a peer's. */
export function noErrors(cluster: Cluster): Observer {
  /** What fails on purpose has to be reported, and so has a loss of many, which is for operators to judge. */
  const isMeant = (node: string, event: string): boolean =>
    event === 'protection-began' ||
    (event === 'raft-consensus-failed' && cluster.metas.some(({ name, log }) => name === node && log.isFailing)) ||
    (event === 'disk-failed' && cluster.data.some(({ name, slotDisk }) => name === node && slotDisk.isFailing));
  return {
    effect: (node, effect) => {
      const { type, level, event, fields } = effect as LogEffect;
      if (type === 'log' && level === 'error' && !isMeant(node, event))
        throw new Violation('no errors', `${node} logs ${event} ${JSON.stringify(fields ?? {})}`);
    },
  };
}
