import type { Measured } from './results.js';
import { likelySeconds } from './stopwatch.js';

it('expects of a system what it took at most, or what the others did', () => {
  const took = (tookSeconds: number) => ({ failed: '', tookSeconds });
  const rounds: Measured['rounds'] = [{ a: took(10), b: took(50) }, { a: took(20) }, { c: { failed: '' } }];
  const measured: Measured = { title: '', metrics: [], goals: [], without: {}, runs: [], rounds };
  expect(['a', 'b', 'c'].map((system) => likelySeconds(measured, system))).toEqual([20, 50, 50]);
  expect(likelySeconds(undefined, 'a')).toBe(120);
});
