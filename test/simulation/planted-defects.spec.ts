import { BEHAVIOUR_DEFECTS } from './defects/behaviour.js';
import { firstObjection } from './defects/defect.js';
import { RULE_DEFECTS } from './defects/rules.js';

describe('the net catches', () => {
  it.each([...BEHAVIOUR_DEFECTS])('$name', (defect) => {
    expect(firstObjection(defect)).toMatch(defect.rule);
  });
});

describe('each rule of the data tier is needed, for the net catches', () => {
  it.each([...RULE_DEFECTS])('$name', (defect) => {
    expect(firstObjection(defect)).toMatch(defect.rule);
  });
});
