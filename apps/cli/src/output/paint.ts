import { inspect } from 'node:util';

export type Tint = 'good' | 'warn' | 'bad' | 'dim' | 'strong';

const FORMATS = { good: 'green', warn: 'yellow', bad: 'red', dim: 'gray', strong: 'bold' } as const;

/** Colours text, or leaves it as it is. */
export type Paint = (tint: Tint, text: string) => string;

/** Colours are for terminals, and for nobody who has said no (https://no-color.org). */
export function painter(isTty: boolean, env: Readonly<Record<string, string | undefined>>): Paint {
  if (!isTty || env['NO_COLOR'] || env['TERM'] === 'dumb') return (_, text) => text;
  return (tint, text) => {
    const [begin, end] = inspect.colors[FORMATS[tint]]!;
    return text === '' ? '' : `\u001b[${begin}m${text}\u001b[${end}m`;
  };
}

/** Text of others: what would steer the terminal is shown, not done. */
export function harmless(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, (char) => NAMES[char] ?? `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

const NAMES: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };
