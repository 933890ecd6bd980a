/** What nats-server writes on stderr, line by line, as lines of our own log. Pure. */

export interface ServerLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly text: string;
}

const LEVELS: Readonly<Record<string, ServerLine['level']>> = {
  DBG: 'debug',
  TRC: 'debug',
  INF: 'info',
  WRN: 'warn',
  ERR: 'error',
  FTL: 'error',
};

/** `[pid] 2026/11/21 08:51:42.424220 [WRN] text`; anything else (a panic, a usage message) is an error as it stands. */
export function parseServerLine(line: string): ServerLine {
  const match = /^\[\d+\] \S+ \S+ \[([A-Z]{3})\] (.*)$/.exec(line);
  const [, word = '', text = line] = match ?? [];
  return { level: LEVELS[word] ?? 'error', text };
}

/** Collects what arrives in pieces into whole lines; a line that never ends is cut. */
export class LineSplitter {
  readonly #onLine: (line: string) => void;
  #rest = '';

  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine;
  }

  push(piece: string): void {
    const lines = (this.#rest + piece).split('\n');
    this.#rest = (lines.pop() ?? '').slice(0, LINE_LENGTH_MAX);
    for (const line of lines) if (line !== '') this.#onLine(line.slice(0, LINE_LENGTH_MAX));
  }

  end(): void {
    if (this.#rest !== '') this.#onLine(this.#rest);
    this.#rest = '';
  }
}

const LINE_LENGTH_MAX = 2000;
