/** Appending to the capture log, and believing only what was read back: turns, deadlines, and records of unknown fate. */
import { err, ok, type DurationMs, type Monotonic, type Result } from '@routerd/resources';
import type { Clock } from '@routerd/runtime';
import { Listeners } from './listeners.ts';
import type { OutgoingMessage, Transport } from './transport.ts';
import type { Trouble } from './troubles.ts';

export interface PendingAppendsOptions {
  readonly clock: Clock;
  readonly deadline: DurationMs;
  readonly transport: Pick<Transport, 'appendCapture' | 'captureTail'>;
  readonly trouble: Trouble;
  /** Sequence of the last message read since reading began. */
  readonly position: () => number;
}

/** What is to be written now, or why nothing is. `message.id` is the claim. */
export type Prepared<Outcome> =
  | { readonly kind: 'write'; readonly message: OutgoingMessage }
  | { readonly kind: 'answered'; readonly outcome: Outcome };

export interface Unreachable {
  readonly kind: 'unreachable';
  readonly detail: string;
}

/**
 * 1. One append per key is under way at a time; those of different keys travel together.
 * 2. A record whose fate is unknown is looked for in the log before the same key is written again, so that at most one
 *    record of this node can stand behind the winner that it did not know of. Compaction relies on it.
 */
export class PendingAppends<Key extends string, Outcome> {
  readonly #options: PendingAppendsOptions;
  readonly #turns = new Map<Key, Promise<Outcome | Unreachable>>();
  readonly #waiting = new Map<string, (outcome: Outcome | Unreachable) => void>();
  /** Claims that were sent and not seen when their deadline came. */
  readonly #unsettled = new Map<Key, string>();
  /** Told whenever the log was read further, or reading began anew. */
  readonly #progress = new Listeners<undefined>();
  #isCurrent = false;

  constructor(options: PendingAppendsOptions) {
    this.#options = options;
  }

  /** The log is not read to its end, or nobody says any more what it gets. */
  interrupted(): void {
    this.#isCurrent = false;
  }

  /** Claims that are waited for. */
  waiting(): readonly string[] {
    return [...this.#waiting.keys()];
  }

  /** The record was read: its fate is known. */
  settle(key: Key, claim: string, outcome: Outcome | Unreachable): void {
    if (this.#unsettled.get(key) === claim) this.#unsettled.delete(key);
    this.#waiting.get(claim)?.(outcome);
  }

  advanced(): void {
    this.#progress.tell(undefined);
  }

  /** @param claims all that the log holds */
  caughtUp(claims: ReadonlySet<string>): void {
    this.#isCurrent = true;
    for (const [key, claim] of this.#unsettled) if (claims.has(claim)) this.#unsettled.delete(key);
    this.#progress.tell(undefined);
  }

  /** @param prepare asked when it is the key's turn and the log is read to its end; of each key, in the order given */
  async append(
    entries: readonly { readonly key: Key; readonly prepare: () => Prepared<Outcome> }[],
    signal: AbortSignal,
  ): Promise<readonly (Outcome | Unreachable)[]> {
    const { clock, deadline } = this.#options;
    const answered = new AbortController();
    const expired = new AbortController();
    const until = (clock.monotonic() + deadline) as Monotonic;
    const timer = clock.sleepUntil(until, AbortSignal.any([answered.signal, signal])).then(() => expired.abort());
    const outcomes = await Promise.all(
      entries.map(async ({ key, prepare }) => this.#inTurn(key, prepare, expired.signal)),
    );
    answered.abort();
    await timer;
    return outcomes;
  }

  async #inTurn(key: Key, prepare: () => Prepared<Outcome>, expired: AbortSignal): Promise<Outcome | Unreachable> {
    const before = this.#turns.get(key);
    const turn = (async () => {
      await before;
      return this.#appendOne(key, prepare, expired);
    })();
    this.#turns.set(key, turn);
    const outcome = await turn;
    if (this.#turns.get(key) === turn) this.#turns.delete(key);
    return outcome;
  }

  async #appendOne(key: Key, prepare: () => Prepared<Outcome>, expired: AbortSignal): Promise<Outcome | Unreachable> {
    await this.#until(() => this.#isCurrent, expired);
    if (!this.#isCurrent) return unreachable('not connected to a hub, or the log is not read to its end');
    const settled = await this.#settleEarlier(key, expired);
    if (!settled.ok) return unreachable(settled.error);
    const prepared = prepare();
    return prepared.kind === 'answered' ? prepared.outcome : this.#send(key, prepared.message, expired);
  }

  async #send(key: Key, message: OutgoingMessage, expired: AbortSignal): Promise<Outcome | Unreachable> {
    const { transport, trouble } = this.#options;
    const { id: claim } = message;
    if (expired.aborted) return unreachable('the deadline passed before the record was sent');
    const { promise, resolve } = Promise.withResolvers<Outcome | Unreachable>();
    this.#waiting.set(claim, resolve);
    const giveUp = (): void => {
      this.#unsettled.set(key, claim);
      resolve(unreachable(`${claim} was not seen in the log before the deadline`));
    };
    expired.addEventListener('abort', giveUp, { once: true });
    void transport.appendCapture(message).then((acknowledged) => {
      if (acknowledged.ok) return trouble(undefined);
      const { code, detail } = acknowledged.error;
      // An unanswered record may still come back in the log; the two others cannot.
      if (code === 'transport.unanswered') return undefined;
      if (code === 'transport.refused') trouble(`appending to the capture log: ${detail}`);
      return resolve(unreachable(`${code}: ${detail}`));
    });
    const outcome = await promise;
    expired.removeEventListener('abort', giveUp);
    this.#waiting.delete(claim);
    return outcome;
  }

  /** Reads past the end that the log has now, so that an earlier record is either seen or not there. */
  async #settleEarlier(key: Key, expired: AbortSignal): Promise<Result<undefined, string>> {
    const claim = this.#unsettled.get(key);
    if (claim === undefined) return ok(undefined);
    const { transport, position } = this.#options;
    const tail = await transport.captureTail();
    if (!tail.ok) return err(`looking for the record ${claim}: ${tail.error.detail}`);
    const isRead = (): boolean => !this.#unsettled.has(key) || (this.#isCurrent && position() >= tail.value);
    await this.#until(isRead, expired);
    if (!isRead()) return err(`the log was not read up to ${tail.value} before the deadline`);
    this.#unsettled.delete(key);
    return ok(undefined);
  }

  /** Resolves when the condition holds, looking after every step of the reader, or when time is up. */
  async #until(condition: () => boolean, expired: AbortSignal): Promise<void> {
    if (condition() || expired.aborted) return;
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const give = (): void => resolve(undefined);
    const stop = this.#progress.add(() => {
      if (condition()) give();
    });
    expired.addEventListener('abort', give, { once: true });
    await promise;
    stop();
    expired.removeEventListener('abort', give);
  }
}

export function unreachable(detail: string): Unreachable {
  return { kind: 'unreachable', detail };
}
