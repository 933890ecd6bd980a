/** `ip -batch`: many changes for the price of one process (5 ms for one, 16 ms for a thousand routes). */
import type { HostFault } from '../../ports.ts';
import { faultOfCommand, type RunHostCommand } from './host-command.ts';

/** What became of one line: undefined when it landed, else what `ip` said about it. */
export type LineOutcome = { readonly text: string } | { readonly fault: HostFault } | undefined;

export interface BatchOutcome {
  /** One a line, in their order. */
  readonly lines: readonly LineOutcome[];
  /** `ip neigh` ends the whole program when the kernel refuses (exit(2) in ipneigh.c): lines from the first `neigh` on may not have been tried. */
  readonly endedEarly: boolean;
}

/**
 * Runs every line; one that fails does not keep the next from being tried (`-force`), but for `neigh` lines.
 * @param lines without the leading `ip`; at most a few ten thousand
 */
export async function runIpBatch(run: RunHostCommand, lines: readonly string[]): Promise<BatchOutcome> {
  if (lines.length === 0) return { lines: [], endedEarly: false };
  const result = await run(['ip', '-force', '-batch', '-'], {
    input: `${lines.join('\n')}\n`,
    timeoutMs: 60_000,
  });
  if (result.ok) return { lines: lines.map(() => undefined), endedEarly: false };
  const { failed, rest } = failedLines(result.error.stderr);
  const isNeighbor = lines.some((line) => line.startsWith('neigh '));
  if (result.error.code !== 'command.failed' || (rest !== '' && !isNeighbor)) {
    const fault = faultOfCommand(result.error);
    return { lines: lines.map(() => ({ fault })), endedEarly: false };
  }
  const outcomes = lines.map((_, index) => {
    const text = failed.get(index + 1);
    return text === undefined ? undefined : { text };
  });
  return { lines: outcomes, endedEarly: rest !== '' };
}

/** What was said before each `Command failed -:LINE`, by line number (from 1), and what was said after the last of them. */
export function failedLines(stderr: string): { readonly failed: ReadonlyMap<number, string>; readonly rest: string } {
  const failed = new Map<number, string>();
  let said: string[] = [];
  for (const line of stderr.split('\n')) {
    const number = /^Command failed [^:]*:(\d+)$/.exec(line)?.[1];
    if (number === undefined) {
      if (line.trim() !== '') said.push(line.trim());
      continue;
    }
    failed.set(Number(number), said.join(' '));
    said = [];
  }
  return { failed, rest: said.join(' ') };
}
