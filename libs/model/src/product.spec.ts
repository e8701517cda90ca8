import { readFileSync } from 'node:fs';
import { VERSION } from './product.js';

describe('the version', () => {
  it('is that of the package', () => {
    const file = new URL('../../../package.json', import.meta.url);
    expect(VERSION).toBe((JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version);
  });
});
