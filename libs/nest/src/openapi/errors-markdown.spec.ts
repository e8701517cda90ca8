import { readFileSync } from 'node:fs';
import { errorsMarkdown } from './errors-markdown.js';

describe('docs/errors.md', () => {
  it('is what `npm run docs` writes', () => {
    expect(readFileSync('docs/errors.md', 'utf8')).toBe(errorsMarkdown());
  });
});
