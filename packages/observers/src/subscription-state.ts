/** One subscription between its facts and its runs. */
import type { DurationMs, Monotonic, ResourceOf } from '@routerd/resources';
import type { Clock, Log } from '@routerd/runtime';
import {
  ATTEMPTS_MAX,
  BATCH_EVENTS_MAX,
  batchDueAt,
  retryWaitMs,
  subscriptionPhase,
  type SubscriptionPhase,
} from './batch.ts';
import { isMatch, type FactEvent } from './fact-event.ts';
import type { EventRun, RunStore } from './ports.ts';

export interface SubscriptionView {
  readonly name: string;
  readonly plugin: string;
  readonly phase: SubscriptionPhase;
  /** Events that ever matched. */
  readonly matched: number;
  readonly waiting: number;
  /** Events given up after the last attempt, and still known. */
  readonly givenUp: number;
  /** Of the last run. */
  readonly message: string;
}

interface Waiting {
  readonly run: EventRun;
  readonly enteredAt: Monotonic;
}

interface Settlement {
  readonly ids: readonly string[];
  readonly change: Parameters<RunStore['settleEvents']>[2];
}

export class SubscriptionState {
  readonly name: string;
  readonly #subscription: ResourceOf<'EventSubscription'>;
  readonly #ports: { readonly clock: Clock; readonly log: Log; readonly runs: RunStore };
  #waiting: readonly Waiting[] = [];
  #retryAt: Monotonic | undefined;
  #running: readonly Waiting[] = [];
  #last: 'applied' | 'failed' | undefined;
  #message = '';
  #counts = { matched: 0, givenUp: 0 };
  /** What the store was not told yet, because it refused. */
  #unsettled: readonly Settlement[] = [];

  constructor(
    subscription: ResourceOf<'EventSubscription'>,
    ports: { readonly clock: Clock; readonly log: Log; readonly runs: RunStore },
  ) {
    this.name = subscription.metadata.name;
    this.#subscription = subscription;
    this.#ports = ports;
  }

  get plugin(): string {
    return this.#subscription.spec.trigger.pluginRef;
  }

  /** Takes up what waited before a restart; it has waited as long as it has. */
  restore(): void {
    const { clock, runs } = this.#ports;
    const [now, monotonic] = [clock.now(), clock.monotonic()];
    this.#waiting = runs.events(this.name, 'waiting').map((run) => ({
      run,
      enteredAt: (monotonic - Math.max(0, now - run.enteredAt)) as Monotonic,
    }));
    const last = runs.lastSettled(this.name);
    this.#last = last?.status === 'waiting' ? undefined : last?.status;
    this.#message = last?.message ?? '';
    this.#count();
  }

  /** Keeps what matches and was never seen, on disk. Throws what the store throws. @returns whether anything was new */
  offer(events: readonly FactEvent[]): boolean {
    const { clock, runs } = this.#ports;
    const matching = events.filter((event) => isMatch(this.#subscription.spec, event));
    if (matching.length === 0) return false;
    const entered = runs.enterEvents(this.name, matching, clock.now());
    const enteredAt = clock.monotonic();
    if (entered.length === 0) return false;
    this.#waiting = [...this.#waiting, ...entered.map((run) => ({ run, enteredAt }))];
    this.#count();
    return true;
  }

  dueAt(): Monotonic | undefined {
    if (this.#running.length > 0) return undefined;
    const enteredAt = (index: number): Monotonic | undefined => this.#waiting.at(index)?.enteredAt;
    const waiting = { first: enteredAt(0), last: enteredAt(-1), filled: enteredAt(BATCH_EVENTS_MAX - 1) };
    const due = batchDueAt(waiting, this.#subscription.spec.trigger);
    if (due === undefined || this.#retryAt === undefined) return due;
    return due > this.#retryAt ? due : this.#retryAt;
  }

  /** The run begins: the oldest events, as many as one request takes. */
  begin(): readonly FactEvent[] {
    this.#running = this.#waiting.slice(0, BATCH_EVENTS_MAX);
    this.#waiting = this.#waiting.slice(BATCH_EVENTS_MAX);
    this.#retryAt = undefined;
    return this.#running.map(({ run }) => run.event);
  }

  applied(message: string): void {
    const ids = this.#running.map(({ run }) => run.event.id);
    const attempts = Math.max(...this.#running.map(({ run }) => run.attempts)) + 1;
    this.#running = [];
    this.#last = 'applied';
    this.#message = message;
    this.#settle([{ ids, change: { status: 'applied', attempts, message } }]);
  }

  /** Each event is tried again until its last attempt; the wait grows with the attempts of the oldest. */
  failed(message: string): void {
    const { clock, log } = this.#ports;
    const tried = this.#running.map(({ run, enteredAt }) => ({
      run: { ...run, attempts: run.attempts + 1 },
      enteredAt,
    }));
    this.#running = [];
    this.#last = 'failed';
    this.#message = message;
    const again = tried.filter(({ run }) => run.attempts < ATTEMPTS_MAX);
    this.#waiting = [...again, ...this.#waiting];
    const most = Math.max(0, ...again.map(({ run }) => run.attempts));
    if (most > 0) this.#retryAt = after(clock, retryWaitMs(most));
    const givenUp = tried.length - again.length;
    if (givenUp > 0)
      log.error('events were given up', {
        event: 'plugin.events.given-up',
        subscription: this.name,
        events: givenUp,
        cause: message,
      });
    const settlements = [...new Set(tried.map(({ run }) => run.attempts))].map((attempts): Settlement => {
      const ids = tried.filter(({ run }) => run.attempts === attempts).map(({ run }) => run.event.id);
      return { ids, change: { status: attempts < ATTEMPTS_MAX ? 'waiting' : 'failed', attempts, message } };
    });
    this.#settle(settlements);
  }

  /** Tells the store what it refused before. Throws what it throws; what it took is not told again. */
  flush(): void {
    for (const { ids, change } of this.#unsettled) {
      this.#ports.runs.settleEvents(this.name, ids, change);
      this.#unsettled = this.#unsettled.slice(1);
    }
    this.#count();
  }

  #settle(settlements: readonly Settlement[]): void {
    this.#unsettled = [...this.#unsettled, ...settlements];
    this.flush();
  }

  /** The run was broken off and counts as none. */
  putBack(): void {
    this.#waiting = [...this.#running, ...this.#waiting];
    this.#running = [];
  }

  /** Remembered, since views are read far more often than events come. */
  #count(): void {
    this.#counts = this.#ports.runs.counts(this.name);
  }

  view(): SubscriptionView {
    const { clock } = this.#ports;
    const due = this.dueAt();
    const waiting = this.#waiting.length + this.#running.length;
    const isDue = this.#running.length > 0 || (due !== undefined && due <= clock.monotonic());
    return {
      name: this.name,
      plugin: this.plugin,
      phase: subscriptionPhase({ waiting, isDue, last: this.#last }),
      waiting,
      ...this.#counts,
      message: this.#message,
    };
  }
}

export function after(clock: Clock, wait: DurationMs): Monotonic {
  return (clock.monotonic() + wait) as Monotonic;
}
