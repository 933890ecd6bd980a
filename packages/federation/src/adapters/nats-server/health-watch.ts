/** Asks a server again and again how it is, and ends one that does not recover. */
import type { Monotonic } from '@routerd/resources';
import type { Clock } from '@routerd/runtime';
import type { HubTimes } from './managed-hub.ts';
import type { ServerHealth, ServerProcess } from './server-process.ts';

const FAILURES_MAX = 3;
/** Reading a large store back takes its time (1,000,000 messages: 5 s). */
const FIRST_ANSWER_MS_MAX = 60_000;
/** While it starts it is asked often, so that what waits for it does not wait longer. */
const STARTING_INTERVAL_MS = 50;

export class HealthWatch {
  /** Resolves when the server was ended for its health; never otherwise. */
  readonly givenUp: Promise<string>;
  readonly #ended = new AbortController();
  readonly #process: Pick<ServerProcess, 'health' | 'kill' | 'stop'>;
  readonly #times: Pick<HubTimes, 'probeInterval' | 'probeTimeout'>;
  readonly #clock: Clock;
  readonly #onHealth: (health: ServerHealth) => void;

  constructor(
    process: Pick<ServerProcess, 'health' | 'kill' | 'stop'>,
    times: Pick<HubTimes, 'probeInterval' | 'probeTimeout'>,
    clock: Clock,
    onHealth: (health: ServerHealth) => void,
  ) {
    this.#process = process;
    this.#times = times;
    this.#clock = clock;
    this.#onHealth = onHealth;
    const { promise, resolve } = Promise.withResolvers<string>();
    this.givenUp = promise;
    void this.#watch().then((why) => {
      if (why !== undefined) resolve(why);
    });
  }

  end(): void {
    this.#ended.abort();
  }

  async #watch(): Promise<string | undefined> {
    const began = this.#clock.monotonic();
    let failures = 0;
    let hasAnswered = false;
    for (;;) {
      const health = await this.#process.health(this.#times.probeTimeout);
      if (this.#ended.signal.aborted) return undefined;
      if (health.kind === 'healthy') [hasAnswered, failures] = [true, 0];
      else failures += 1;
      const isStarting = !hasAnswered && health.kind === 'silent';
      if (!isStarting) this.#onHealth(health);
      const patience = isStarting ? this.#clock.monotonic() - began < FIRST_ANSWER_MS_MAX : failures < FAILURES_MAX;
      if (health.kind !== 'healthy' && !patience) {
        // One that answers is stopped in order; one that is silent would not notice.
        if (health.kind === 'silent') this.#process.kill();
        else await this.#process.stop();
        return `${health.kind}: ${health.detail}`;
      }
      const pause = isStarting ? STARTING_INTERVAL_MS : this.#times.probeInterval;
      await this.#clock.sleepUntil((this.#clock.monotonic() + pause) as Monotonic, this.#ended.signal);
      if (this.#ended.signal.aborted) return undefined;
    }
  }
}
