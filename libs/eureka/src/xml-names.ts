/**
 * Keys of metadata are names of elements in Eureka's XML, written as XStream does it: `_` doubled, `$` as `_-`, and what no name
 * can hold as `_.` with four hexadecimal digits.
 */
const SPECIAL = /[_$]|[^\p{L}\p{N}.\-:]/gu;
const NO_START = /^[^\p{L}_]/u;

export function elementName(key: string): string {
  const start = NO_START.exec(key)?.[0] ?? '';
  const rest = key.slice(start.length).replace(SPECIAL, (char) => {
    if (char === '_') return '__';
    return char === '$' ? '_-' : hexed(char);
  });
  return (start === '$' ? '_-' : hexed(start)) + rest;
}

export function keyOf(element: string): string {
  return element.replace(/__|_-|_\.([0-9a-f]{4})/g, (sequence, hex?: string) => {
    if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16));
    return sequence === '__' ? '_' : '$';
  });
}

function hexed(char: string): string {
  let text = '';
  for (let i = 0; i < char.length; i++) text += `_.${char.charCodeAt(i).toString(16).padStart(4, '0')}`;
  return text;
}
