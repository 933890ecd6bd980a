/** Hands the planner's wishes to the capture registry: at most one append per key under way, retried when a quorum did not answer. */
import type { CaptureRegistry } from '@routerd/federation';
import type { CaptureKey, CaptureTransition } from '@routerd/mobility';
import { durationMs } from '@routerd/resources';
import type { Clock, Log } from '@routerd/runtime';
import { after } from './readiness.ts';

/** How long a registry that did not answer is left alone before the same wish is tried again. */
const APPEND_RETRY = durationMs(1000);

export interface CaptureWriterPorts {
  readonly clock: Clock;
  readonly log: Log;
  readonly registry: Pick<CaptureRegistry, 'append'>;
  /** The answer is in: these addresses must be planned again, on what the registry says now. */
  readonly onAnswered: (transitions: readonly CaptureTransition[]) => void;
}

export class CaptureWriter {
  readonly #ports: CaptureWriterPorts;
  readonly #signal: AbortSignal;
  readonly #keys = new Set<CaptureKey>();
  readonly #work = new Set<Promise<void>>();

  constructor(ports: CaptureWriterPorts, signal: AbortSignal) {
    this.#ports = ports;
    this.#signal = signal;
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
    const work = this.#write(fresh).finally(() => {
      this.#work.delete(work);
    });
    this.#work.add(work);
  }

  async #write(transitions: readonly CaptureTransition[]): Promise<void> {
    const { registry, clock, log } = this.#ports;
    const outcomes = await registry.append(transitions, this.#signal);
    const unreachable: CaptureTransition[] = [];
    const answered: CaptureTransition[] = [];
    for (const [index, transition] of transitions.entries()) {
      const outcome = outcomes[index];
      const { key: _, basedOn, ...fields } = transition;
      if (outcome?.kind === 'won')
        log.info('capture record written', { event: 'capture.record.won', ...fields, revision: basedOn + 1 });
      else if (outcome?.kind === 'lost')
        log.info('capture record lost to another', {
          event: 'capture.record.lost',
          ...fields,
          because: outcome.because,
        });
      else
        log.warn('capture registry gave no answer', {
          event: 'capture.record.unreachable',
          ...fields,
          detail: outcome?.detail,
        });
      (outcome === undefined || outcome.kind === 'unreachable' ? unreachable : answered).push(transition);
    }
    this.#release(answered);
    if (unreachable.length === 0) return;
    await clock.sleepUntil(after(clock, APPEND_RETRY), this.#signal);
    this.#release(unreachable);
  }

  #release(transitions: readonly CaptureTransition[]): void {
    if (transitions.length === 0) return;
    for (const { key } of transitions) this.#keys.delete(key);
    this.#ports.onAnswered(transitions);
  }
}
