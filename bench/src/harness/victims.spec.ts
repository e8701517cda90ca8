import { Victims } from './victims.js';

it('takes turns, whoever else is there at the moment', () => {
  const victims = new Victims();
  const all = ['a', 'b', 'c'];
  expect([victims.next(all), victims.next(all), victims.next(['a', 'b']), victims.next(all)]).toEqual([
    'a',
    'b',
    'a',
    'c',
  ]);
  expect(victims.next(all)).toBe('b');
  expect(() => victims.next([])).toThrow('There is no such server.');
});
