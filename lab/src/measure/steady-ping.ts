/** A ping that goes on until it is stopped, and what of it was lost. */
import type { Stream, Vm } from '../vm.ts';
import { waitUntil } from '../wait-until.ts';

export interface PingSeries {
  readonly sent: number;
  /** Sequence numbers without an answer. */
  readonly lost: readonly number[];
  /** Longest time between two answers. */
  readonly longestGapMs: number;
  readonly text: string;
}

interface Answer {
  readonly at: number;
  readonly sequence: number;
}

/** A line of `ping -D`: `[1763704800.123456] 64 bytes from …: icmp_seq=7 ttl=61 …`. */
export function parseAnswer(line: string): Answer | undefined {
  const match = /^\[(?<at>[\d.]+)\].*icmp_seq=(?<sequence>\d+) ttl=/.exec(line);
  const { at, sequence } = match?.groups ?? {};
  return at === undefined || sequence === undefined ? undefined : { at: Number(at) * 1000, sequence: Number(sequence) };
}

/** The last line of a ping that was interrupted: `N packets transmitted, M received, …`. */
export function judgeSeries(lines: readonly string[]): PingSeries {
  const text = lines.join('\n');
  const answers = lines.flatMap((line) => parseAnswer(line) ?? []);
  const sent = Number(/(\d+) packets transmitted/.exec(text)?.[1] ?? 0);
  const answered = new Set(answers.map(({ sequence }) => sequence));
  // The last one may still be under way when ping is told to stop: ping waits for no answer then.
  const last = Math.max(0, ...answered);
  const judged = sent - last <= 1 ? last : sent;
  const lost = Array.from({ length: judged }, (_, index) => index + 1).filter((sequence) => !answered.has(sequence));
  const times = answers.map(({ at }) => at).toSorted((a, b) => a - b);
  const gaps = times.slice(1).map((at, index) => at - (times[index] ?? at));
  return { sent, lost, longestGapMs: Math.max(0, ...gaps), text };
}

export class SteadyPing {
  readonly #lines: string[] = [];
  #stream: Stream | undefined;

  /** Resolves with the first answer: the flow is established. */
  static async start(vm: Vm, address: string, intervalMs: number): Promise<SteadyPing> {
    const ping = new SteadyPing();
    const argv = ['ping', '-n', '-D', '-i', `${intervalMs / 1000}`, address];
    ping.#stream = await vm.stream(argv, (line) => ping.#lines.push(line));
    await waitUntil(
      `${vm.name}: a first answer from ${address}`,
      () => ping.#lines.some((line) => parseAnswer(line) !== undefined) || undefined,
      { deadlineMs: 10_000 },
    );
    return ping;
  }

  async stop(): Promise<PingSeries> {
    this.#stream?.signal('SIGINT');
    await this.#stream?.exited;
    return judgeSeries(this.#lines);
  }
}
