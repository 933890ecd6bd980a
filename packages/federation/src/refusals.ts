/** Counts what was refused by reason, and says so in the log without letting a loud sender flood it. */
import type { Monotonic } from '@routerd/resources';
import type { Clock, Log } from '@routerd/runtime';
import { FACT_REFUSALS } from './fact-judgement.ts';

/** All reasons, so that each has its count from the start: docs/reference/facts.md says when. */
export const REFUSAL_REASONS = [
  ...FACT_REFUSALS,
  'heartbeat.unknown-source',
  'heartbeat.malformed',
  'capture.malformed',
  'capture.wrong-writer',
  'capture.wrong-subject',
  'capture.regressed',
  'capture.epoch-not-kept',
  'order.malformed',
  'order.wrong-subject',
  'event.malformed',
  'event.wrong-subject',
  'event.wrong-group',
  'event.wrong-source',
  'event.unknown-source',
  'event.bad-signature',
  'event.from-the-future',
  'event.reserved-type',
  'roster.malformed',
  'roster.bad-signature',
  'roster.wrong-group',
] as const;

/** After the first, one line a minute for each (reason, source). */
const QUIET_MS = 60_000;
/** Senders are whoever the hub lets publish, so this many pairs are plenty; beyond it nothing new is logged, all is counted. */
const PAIRS_MAX = 1000;

export interface Refusal {
  /** `area.condition`, closed in practice: docs/reference/facts.md lists them. */
  readonly reason: string;
  /** Who sent it, as far as the subject proves it. */
  readonly source: string;
  readonly detail: string;
}

export class Refusals {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #counts: Record<string, number> = {};
  readonly #said = new Map<string, { at: Monotonic; held: number }>();

  constructor(clock: Clock, log: Log) {
    this.#clock = clock;
    this.#log = log;
  }

  counts(): Readonly<Record<string, number>> {
    return { ...this.#counts };
  }

  add({ reason, source, detail }: Refusal): void {
    this.#counts[reason] = (this.#counts[reason] ?? 0) + 1;
    const pair = `${reason} ${source}`;
    const last = this.#said.get(pair);
    const now = this.#clock.monotonic();
    if (last !== undefined && now - last.at < QUIET_MS) {
      last.held += 1;
      return;
    }
    if (last === undefined && this.#said.size >= PAIRS_MAX) return;
    this.#said.set(pair, { at: now, held: 0 });
    const alike = last?.held ?? 0;
    this.#log.warn('message refused', { event: 'federation.refused', reason, source, detail, alikeSinceLast: alike });
  }
}
