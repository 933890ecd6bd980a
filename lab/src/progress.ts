/** What the lab is doing, for people: one line a step, rewritten in place on a terminal. */
import { styleText } from 'node:util';

export interface Progress {
  /** Runs one step and tells how long it took. */
  step<T>(title: string, work: () => Promise<T>): Promise<T>;
  note(text: string): void;
  /** Nothing is told any more: what fails from now on fails because it was interrupted. */
  close(): void;
  isClosed(): boolean;
}

export interface Terminal {
  readonly isTTY?: boolean;
  /** How wide it is now, where it is a terminal. */
  readonly columns?: number;
  write(text: string): unknown;
}

export function createProgress(out: Terminal): Progress {
  const live = out.isTTY === true;
  const paint = (format: 'green' | 'red' | 'dim', text: string): string => (live ? styleText(format, text) : text);
  const running = new Set<string>();
  let closed = false;
  const clear = (): void => void (live && !closed && out.write('\r\u001B[2K'));
  // A line that wraps could not be rewritten: only its last row would be cleared.
  const redraw = (): void =>
    void (
      live &&
      !closed &&
      running.size > 0 &&
      out.write(cut(`… ${[...running].toReversed().join(', ')}`, width(out) - 1))
    );
  const fitted = (text: string, indent: number): string => (live ? wrapped(text, indent, width(out)) : text);
  const line = (text: string): void => {
    if (closed) return;
    clear();
    out.write(`${text}\n`);
    redraw();
  };
  /** The colours have no width: what is wrapped is the plain line. */
  const told = (verdict: string, seconds: string, title: string): string =>
    `${verdict} ${paint('dim', seconds)}${fitted(`${' '.repeat(12)}  ${title}`, 14).slice(12)}`;
  return {
    async step(title, work) {
      const start = performance.now();
      const seconds = (): string => `${((performance.now() - start) / 1000).toFixed(1)} s`.padStart(7);
      running.add(title);
      clear();
      redraw();
      try {
        const value = await work();
        running.delete(title);
        line(told(paint('green', 'ok  '), seconds(), title));
        return value;
      } catch (cause) {
        running.delete(title);
        line(told(paint('red', 'FAIL'), seconds(), title));
        throw cause;
      }
    },
    note: (text) => line(fitted(`${' '.repeat(14)}${text}`, 14)),
    close() {
      clear();
      closed = true;
    },
    isClosed: () => closed,
  };
}

const COLUMNS = 80;
/** Where the last column of a table may begin for its text to be broken beside the others. */
const LAST_FROM_MAX = 56;

function width({ columns }: Terminal): number {
  return columns === undefined || columns < 40 ? COLUMNS : columns;
}

function cut(text: string, columns: number): string {
  return text.length <= columns ? text : `${text.slice(0, columns - 1)}…`;
}

/** Broken at blanks, its later lines indented; a word that is longer than a line stays whole. */
export function wrapped(text: string, indent: number, columns = COLUMNS): string {
  const lines: string[] = [];
  let rest = text;
  while (rest.length > columns) {
    const at = rest.lastIndexOf(' ', columns);
    const end = at > indent ? at : rest.indexOf(' ', columns);
    if (end < 0) break;
    lines.push(rest.slice(0, end));
    rest = `${' '.repeat(indent)}${rest.slice(end + 1)}`;
  }
  return [...lines, rest].join('\n');
}

/** Columns as wide as their widest cell; the last one is broken where there is room for it beside the others, and else as wide as it is. */
export function renderTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = header.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const render = (row: readonly string[]): string =>
    row.map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0))).join('  ');
  const indent = widths.slice(0, -1).reduce((sum, each) => sum + each + 2, 0);
  const last = Math.min(widths.at(-1) ?? 0, indent <= LAST_FROM_MAX ? COLUMNS - indent : Infinity);
  const rule = [...widths.slice(0, -1), last].map((each) => '-'.repeat(each));
  return [render(header), render(rule), ...rows.map(render)]
    .map((line) => (indent <= LAST_FROM_MAX ? wrapped(line.trimEnd(), indent) : line.trimEnd()))
    .join('\n');
}
