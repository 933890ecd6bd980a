/**
 * A ping that goes on until it is stopped, and what of it was lost. By fping: the ordinary ping spins on the processor when its interval is
 * below the kernel's tick, and takes it from those whom it measures.
 */
import type { Stream, Vm } from '../vm.ts';
import { waitUntil } from '../wait-until.ts';

/** A packet that was not answered by then counts as lost. */
const LOST_AFTER_MS = 1000;

export interface PingSeries {
  readonly answered: number;
  /** Numbers of the packets that were not answered, from 0. */
  readonly lost: readonly number[];
  /** When the packets of `lost` were sent, in their order; of those that nothing was said of, as if sent evenly. Wall clock, milliseconds. */
  readonly lostAt: readonly number[];
  /** First and last answer; 0 without any. */
  readonly from: number;
  readonly until: number;
  /** Longest time between two answers, and when it began. */
  readonly longestGapMs: number;
  readonly longestGapAt: number;
  readonly text: string;
}

interface Outcome {
  /** Wall clock, milliseconds. */
  readonly at: number;
  readonly sequence: number;
  readonly isAnswered: boolean;
}

/** A line of `fping -l -D`: `[1795247857.18179] 10.77.60.11 : [97], 64 bytes, 0.130 ms (…)`, or `…: [33], timed out (…)`. Of several addresses the shorter are padded. */
export function parseOutcome(line: string): Outcome | undefined {
  const match = /^\[(?<at>[\d.]+)\] \S+\s+: \[(?<sequence>\d+)\], (?<rest>.*)$/.exec(line);
  const { at, sequence, rest } = match?.groups ?? {};
  if (at === undefined || sequence === undefined || rest === undefined) return undefined;
  return { at: Number(at) * 1000, sequence: Number(sequence), isAnswered: /^\d+ bytes/.test(rest) };
}

/**
 * A packet is lost when it timed out, or when nothing was said of it although something was said of a later one. Packets after the last one that
 * anything was said of were under way when fping was stopped.
 */
export function judgeSeries(lines: readonly string[]): PingSeries {
  const outcomes = lines.flatMap((line) => parseOutcome(line) ?? []);
  const answered = new Set(outcomes.filter(({ isAnswered }) => isAnswered).map(({ sequence }) => sequence));
  const last = Math.max(-1, ...outcomes.map(({ sequence }) => sequence));
  const lost = Array.from({ length: last + 1 }, (_, sequence) => sequence).filter(
    (sequence) => !answered.has(sequence),
  );
  const times = outcomes
    .filter(({ isAnswered }) => isAnswered)
    .map(({ at }) => at)
    .toSorted((a, b) => a - b);
  // A flow that is silent when it is stopped has been silent at least until the last packet of which something was said.
  const end = Math.max(
    times.at(-1) ?? 0,
    ...outcomes.map(({ at, isAnswered }) => (isAnswered ? at : at - LOST_AFTER_MS)),
  );
  const gap = [...times.slice(1), end].reduce(
    (longest, at, index) => {
      const before = times[index] ?? at;
      return at - before > longest.ms ? { ms: at - before, at: before } : longest;
    },
    { ms: 0, at: times[0] ?? 0 },
  );
  return {
    answered: answered.size,
    lost,
    lostAt: sentAt(outcomes, lost),
    from: times[0] ?? 0,
    until: times.at(-1) ?? 0,
    longestGapMs: gap.ms,
    longestGapAt: gap.at,
    text: lines.join('\n'),
  };
}

/** fping tells of a packet when it is answered, or when its time is over; of some it tells nothing: they were sent evenly between their neighbours. */
function sentAt(outcomes: readonly Outcome[], lost: readonly number[]): readonly number[] {
  const told = outcomes
    .map(({ sequence, at, isAnswered }) => ({ sequence, at: isAnswered ? at : at - LOST_AFTER_MS }))
    .toSorted((a, b) => a.sequence - b.sequence);
  let index = 0;
  return lost.map((sequence) => {
    while (index + 1 < told.length && (told[index + 1]?.sequence ?? 0) <= sequence) index += 1;
    const [before, after] = [told[index], told[index + 1]];
    if (before === undefined) return 0;
    if (before.sequence >= sequence || after === undefined) return before.at;
    const share = (sequence - before.sequence) / (after.sequence - before.sequence);
    return before.at + share * (after.at - before.at);
  });
}

export class SteadyPing {
  readonly #lines: string[] = [];
  #stream: Stream | undefined;

  /** Resolves with the first answer: the flow is established. */
  static async start(vm: Vm, address: string, intervalMs: number): Promise<SteadyPing> {
    const ping = new SteadyPing();
    const argv = ['fping', '-l', '-D', '-i', '1', '-p', `${intervalMs}`, '-t', `${LOST_AFTER_MS}`, address];
    ping.#stream = await vm.stream(argv, (line) => ping.#lines.push(line));
    await waitUntil(
      `${vm.name}: a first answer from ${address}`,
      () => ping.#lines.some((line) => parseOutcome(line)?.isAnswered === true) || undefined,
      { deadlineMs: 10_000 },
    );
    return ping;
  }

  /** When the first answer since then came; `undefined` before it does. Both by the wall clock, milliseconds. */
  answeredSince(since: number): number | undefined {
    return this.#lines
      .flatMap((line) => parseOutcome(line) ?? [])
      .find(({ at, isAnswered }) => isAnswered && at >= since)?.at;
  }

  /** How many packets were answered since the start. */
  get answers(): number {
    return this.#lines.filter((line) => / bytes/.test(line)).length;
  }

  /** Waits until that many packets were answered since the start. */
  async answered(count: number): Promise<void> {
    await waitUntil(`ping: ${count} answers`, () => this.answers >= count || undefined, {
      deadlineMs: 60_000,
      everyMs: 100,
    });
  }

  /** Waits for one more answer, so that a packet lost at the very end is seen too, and a gap to its end. */
  async stop(): Promise<PingSeries> {
    const said = this.#lines.length;
    const later = (): boolean => this.#lines.slice(said + 1).some((line) => / bytes/.test(line));
    await waitUntil('ping: a later answer', () => later() || undefined, { deadlineMs: 5000 }).catch(() => undefined);
    this.#stream?.signal('SIGINT');
    await this.#stream?.exited;
    return judgeSeries(this.#lines);
  }
}
