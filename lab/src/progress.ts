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
  write(text: string): unknown;
}

export function createProgress(out: Terminal): Progress {
  const live = out.isTTY === true;
  const paint = (format: 'green' | 'red' | 'dim', text: string): string => (live ? styleText(format, text) : text);
  const running = new Set<string>();
  let closed = false;
  const clear = (): void => void (live && !closed && out.write('\r\u001B[2K'));
  const redraw = (): void => void (live && !closed && running.size > 0 && out.write(`… ${[...running].join(', ')}`));
  const line = (text: string): void => {
    if (closed) return;
    clear();
    out.write(`${text}\n`);
    redraw();
  };
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
        line(`${paint('green', 'ok')}   ${paint('dim', seconds())}  ${title}`);
        return value;
      } catch (cause) {
        running.delete(title);
        line(`${paint('red', 'FAIL')} ${paint('dim', seconds())}  ${title}`);
        throw cause;
      }
    },
    note: (text) => line(`               ${text}`),
    close() {
      clear();
      closed = true;
    },
    isClosed: () => closed,
  };
}

/** Columns as wide as their widest cell; the last one as wide as it is. */
export function renderTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = header.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const render = (row: readonly string[]): string =>
    row.map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0))).join('  ');
  return [header, header.map((_, column) => '-'.repeat(widths[column] ?? 0)), ...rows]
    .map((row) => render(row).trimEnd())
    .join('\n');
}
