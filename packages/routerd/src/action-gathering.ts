/**
 * Lets the claims that are being written come in before the provider is asked for anything: a fail-over claims many addresses at once, their
 * records come back one by one, and the first alone would cost its NIC a call, and the others the time of that call.
 */
import { durationMs, type Monotonic } from '@routerd/resources';
import type { Clock } from '@routerd/runtime';

/** However long the registry takes to answer for all of them, and however many more come meanwhile. */
const LIMIT = durationMs(250);

export class ActionGathering {
  readonly #clock: Pick<Clock, 'monotonic'>;
  #since: Monotonic | undefined;

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock;
  }

  /** Asked whenever actions could be proposed. @param isWriting whether the registry still owes an answer, which leads to the next question */
  isOver(isWriting: boolean): boolean {
    const now = this.#clock.monotonic();
    this.#since ??= now;
    if (isWriting && now - this.#since < LIMIT) return false;
    this.#since = undefined;
    return true;
  }
}
