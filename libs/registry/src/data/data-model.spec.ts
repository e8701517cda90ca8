import * as fc from 'fast-check';
import { DataModel } from './data-model.harness.js';

/** How often each kind of action comes. */
const WEIGHTS = [
  [6, 'publish'],
  [2, 'unpublish'],
  [3, 'move'],
  [2, 'clean-up'],
  [1, 'break-link'],
  [1, 'connect'],
  [1, 'digest'],
  [2, 'reconcile'],
  [1, 'crash'],
  [4, 'time'],
  [1, 'change-leader'],
  [4, 'reconcile-one'],
  [1, 'reconcile-all'],
  [1, 'forget'],
] as const;

const schedules = fc.array(
  fc.record({
    kind: fc.oneof(...WEIGHTS.map(([weight, kind]) => ({ weight, arbitrary: fc.constant(kind) }))),
    a: fc.nat(99),
    b: fc.nat(99),
  }),
  { minLength: 1, maxLength: 150, size: 'max' },
);

describe('Under any schedule of publishes, moves, breaks, crashes and changes of leader', () => {
  it('no live publication is lost, versions only rise, and all agree in the end', () => {
    fc.assert(
      fc.property(schedules, (schedule) => {
        const model = new DataModel(4, 3);
        for (const action of schedule) model.act(action);
        model.heal();
        expect(model.world.core.slots()).toMatchObject([{ complete: true, waitingFor: [] }]);
        expect(model.atLeader()).toEqual(model.truth());
        expect(model.atWatcher()).toEqual(model.truth());
      }),
      { numRuns: 250 },
    );
  });
});
