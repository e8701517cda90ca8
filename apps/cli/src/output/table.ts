import { type Paint, type Tint, harmless } from './paint.js';

export type Cell = string | number | undefined | { text: string; tint: Tint };

/** Rows under a header, in columns as wide as their widest cell; numbers stand to the right. */
export function table(paint: Paint, header: readonly string[], rows: readonly (readonly Cell[])[]): string[] {
  const texts = rows.map((row) => row.map(textOf));
  const widths = header.map((title, column) =>
    Math.max(title.length, ...texts.map((row) => lengthOf(row[column] ?? ''))),
  );
  const right = header.map((_, column) => rows.some((row) => typeof row[column] === 'number'));
  const pad = (text: string, column: number): string => {
    const space = ' '.repeat(widths[column]! - lengthOf(text));
    return right[column] ? space + text : text + space;
  };
  const line = (cells: readonly string[], tintOf: (column: number) => Tint | undefined): string => {
    let ended = cells.length;
    while (ended > 0 && cells[ended - 1] === '') ended--;
    return cells
      .slice(0, ended)
      .map((text, column) => {
        // Nothing is padded at the end of a line.
        const padded = column === ended - 1 && !right[column] ? text : pad(text, column);
        const tint = tintOf(column);
        return tint ? paint(tint, padded) : padded;
      })
      .join('  ');
  };
  return [line(header, () => 'strong'), ...rows.map((row, at) => line(texts[at]!, (column) => tintOf(row[column])))];
}

/** Names and values, one a line. */
export function fields(paint: Paint, pairs: readonly (readonly [string, Cell])[]): string[] {
  const shown = pairs.filter(([, value]) => value !== undefined);
  const width = Math.max(0, ...shown.map(([name]) => name.length));
  return shown.map(([name, value]) => {
    const tint = tintOf(value);
    const text = textOf(value);
    return `${paint('dim', name.padEnd(width))}  ${tint ? paint(tint, text) : text}`;
  });
}

function textOf(cell: Cell): string {
  if (cell === undefined) return '';
  return harmless(typeof cell === 'object' ? cell.text : String(cell));
}

function tintOf(cell: Cell): Tint | undefined {
  return typeof cell === 'object' ? cell.tint : undefined;
}

/** In characters, as far as that can be told without tables of their widths. */
function lengthOf(text: string): number {
  return [...text].length;
}
