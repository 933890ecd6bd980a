/** A sleep that news ends at once. News that comes while nobody sleeps ends the next sleep. */
import type { Monotonic } from '@routerd/resources';
import type { Clock } from '@routerd/runtime';

export class WakeUp {
  readonly #clock: Clock;
  #isPending = false;
  #sleep: AbortController | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  wake(): void {
    this.#isPending = true;
    this.#sleep?.abort('woken'); // with a reason: an abort without one makes an exception and its stack
  }

  /** @param until undefined: until there is news */
  async wait(until: Monotonic | undefined, stop: AbortSignal): Promise<void> {
    if (!this.#isPending && !stop.aborted) {
      this.#sleep = new AbortController();
      const signal = AbortSignal.any([this.#sleep.signal, stop]);
      await (until === undefined ? aborted(signal) : this.#clock.sleepUntil(until, signal));
      this.#sleep = undefined;
    }
    this.#isPending = false;
  }
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
