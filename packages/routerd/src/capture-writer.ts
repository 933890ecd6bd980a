/** Hands the planner's wishes to the capture registry: at most one append per key under way, retried when a quorum did not answer. */
import type { AppendOutcome, CaptureRegistry } from '@routerd/federation';
import type { CaptureKey, CaptureTransition } from '@routerd/mobility';
import { durationMs, type Monotonic } from '@routerd/resources';
import type { Clock, Log } from '@routerd/runtime';
import { ClaimPace } from './claim-pace.ts';
import { after } from './readiness.ts';

/** How long a registry that did not answer is left alone before the same wish is tried again. */
const APPEND_RETRY = durationMs(1000);

export interface CaptureWriterPorts {
  readonly clock: Clock;
  readonly log: Log;
  readonly registry: Pick<CaptureRegistry, 'append'>;
  /** An answer is in: these addresses must be planned again, on what the registry says now. None, where the registry gave no answer. */
  readonly onAnswered: (transitions: readonly CaptureTransition[]) => void;
}

export class CaptureWriter {
  readonly #ports: CaptureWriterPorts;
  readonly #signal: AbortSignal;
  readonly #pace: ClaimPace;
  readonly #keys = new Set<CaptureKey>();
  readonly #work = new Set<Promise<void>>();
  #writes = 0;

  constructor(ports: CaptureWriterPorts, signal: AbortSignal) {
    this.#ports = ports;
    this.#signal = signal;
    this.#pace = new ClaimPace(ports.clock);
  }

  /** True while the registry has been asked and has not answered; not while a wish waits for its time. */
  isWriting(): boolean {
    return this.#writes > 0;
  }

  isIdle(): boolean {
    return this.#work.size === 0;
  }

  async idle(): Promise<void> {
    await Promise.all(this.#work);
  }

  /** Starts writing those wishes whose key has no append under way; the others come again once that is answered. */
  append(wishes: readonly CaptureTransition[]): void {
    const fresh = wishes.filter(({ key }) => !this.#keys.has(key));
    if (fresh.length === 0) return;
    for (const { key } of fresh) this.#keys.add(key);
    const now = this.#ports.clock.monotonic();
    const dueAt = (wish: CaptureTransition): Monotonic => (isClaim(wish) ? this.#pace.mayClaimAt(wish.key, now) : now);
    const due = fresh.filter((wish) => dueAt(wish) <= now);
    if (due.length > 0) this.#start(this.#write(due));
    // Each waits for its own time, and is then wished again, or is not.
    for (const wish of fresh) if (dueAt(wish) > now) this.#start(this.#releaseAt([wish], dueAt(wish)));
  }

  #start(work: Promise<void>): void {
    const tracked = work.finally(() => {
      this.#work.delete(tracked);
    });
    this.#work.add(tracked);
  }

  async #write(transitions: readonly CaptureTransition[]): Promise<void> {
    const { registry } = this.#ports;
    this.#writes += 1;
    const outcomes = await registry.append(transitions, this.#signal).finally(() => {
      this.#writes -= 1;
    });
    const later: CaptureTransition[] = [];
    const answered: CaptureTransition[] = [];
    for (const [index, transition] of transitions.entries()) {
      const outcome = outcomes[index] ?? { kind: 'unreachable', detail: 'no outcome' };
      this.#report(transition, outcome);
      if (outcome.kind === 'won' && isClaim(transition)) this.#pace.claimed(transition.key);
      // Lost although nothing came first: by a rule. The same view would lead to the same wish at once, and so on for ever.
      const isRefused = outcome.kind === 'lost' && (outcome.current?.revision ?? 0) === transition.basedOn;
      (outcome.kind === 'unreachable' || isRefused ? later : answered).push(transition);
    }
    this.#release(answered);
    this.#ports.onAnswered([]);
    if (later.length > 0) await this.#releaseAt(later, after(this.#ports.clock, APPEND_RETRY));
  }

  #report(transition: CaptureTransition, outcome: AppendOutcome): void {
    const { log } = this.#ports;
    const { key: _, basedOn, ...fields } = transition;
    if (outcome.kind === 'won')
      log.info('capture record written', { event: 'capture.record.won', ...fields, revision: basedOn + 1 });
    else if (outcome.kind === 'lost')
      log.info('capture record lost to another', {
        event: 'capture.record.lost',
        ...fields,
        because: outcome.because,
      });
    else
      log.warn('capture registry gave no answer', {
        event: 'capture.record.unreachable',
        ...fields,
        detail: outcome.detail,
      });
  }

  async #releaseAt(transitions: readonly CaptureTransition[], at: Monotonic): Promise<void> {
    await this.#ports.clock.sleepUntil(at, this.#signal);
    this.#release(transitions);
  }

  #release(transitions: readonly CaptureTransition[]): void {
    if (transitions.length === 0) return;
    for (const { key } of transitions) this.#keys.delete(key);
    this.#ports.onAnswered(transitions);
  }
}

function isClaim({ phase }: CaptureTransition): boolean {
  return phase === 'acquiring';
}
