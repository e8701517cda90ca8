import { BEHAVIOUR_DEFECTS } from './defects/behaviour.js';
import { firstObjection } from './defects/defect.js';
import { RULE_DEFECTS } from './defects/rules.js';

describe('the net catches', () => {
  it.each([...BEHAVIOUR_DEFECTS])('$name', (defect) => {
    expect(firstObjection(defect)).toMatch(defect.rule);
  });
});

describe('the stories that show a defect', () => {
  const told = [...BEHAVIOUR_DEFECTS, ...RULE_DEFECTS].filter(({ story }) => story);
  it.each(told)('go well without it: $name', (defect) => {
    expect(firstObjection({ ...defect, cores: () => ({}), seeds: 4 })).toMatch(/^nothing/);
  });
});

describe('each rule of the data tier is needed, for the net catches', () => {
  it.each([...RULE_DEFECTS])('$name', (defect) => {
    expect(firstObjection(defect)).toMatch(defect.rule);
  });
});
