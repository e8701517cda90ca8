import type { PushStop } from '#model';
import { holdsBack } from './push-stop.js';

const east = { zone: 'east', address: '10.0.0.1' };
const west = { zone: 'west', address: '10.0.0.2' };

function heldBack(stop: PushStop): string[] {
  const holds = holdsBack(stop);
  return [east, west].filter((recipient) => holds?.(recipient)).map(({ zone }) => zone);
}

describe('who is not pushed to', () => {
  it.each<[PushStop, string[]]>([
    [{ scope: 'none' }, []],
    [{ scope: 'all' }, ['east', 'west']],
    [{ scope: 'zones', zones: ['west', 'north'] }, ['west']],
    [{ scope: 'addresses', addresses: ['10.0.0.1'] }, ['east']],
    [{ scope: 'gray', addresses: ['10.0.0.1'] }, ['west']],
    [{ scope: 'gray', addresses: [] }, ['east', 'west']],
  ])('%j', (stop, expected) => {
    expect(heldBack(stop)).toEqual(expected);
  });

  it('is nobody where a later version has another way to say it', () => {
    expect(holdsBack({ scope: 'planet' } as unknown as PushStop)).toBeUndefined();
  });
});
