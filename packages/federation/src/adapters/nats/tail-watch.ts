/**
 * Notices a reading that stands still while its log goes on. What a consumer delivers comes from one hub's copy of the stream, and a copy may lack
 * for good what others have (nats-server 2.9 after all hubs lost power); the hub that orders the stream is asked where the stream ends.
 *
 * It is asked when somebody is known to have got further (this node's own acknowledgements, what other nodes say that they have read), and rarely
 * besides. Nothing is concluded from time alone: the consumer is asked as well, on the connection that brings what it delivers.
 */
import type { Monotonic } from '@routerd/resources';
import type { Clock } from '@routerd/runtime';

/** How long what somebody else has may be under way to this node. */
const UNDER_WAY_MS = 1000;
/** How long a reading may make no step while its log is longer. */
const STANDSTILL_MS = 1000;
/** Without any news. */
const RARELY_MS = 30_000;

/**
 * What was sent comes before the hub's answer, on the same connection, and is looked at within the same moment: when so many answers have shown
 * something sent that did not come, it went to a pull that had just ended. The next message would show the gap; there may be none for long.
 */
const ANSWERS_IN_VAIN = 3;

/** The hubs may be electing; nothing is concluded from their silence. */
const ASK_AGAIN_MS = 1000;

/** What the hubs say of the stream and of the consumer that reads it. */
export interface StreamEnds {
  /** Server name of the hub that orders the stream; undefined where it stands alone. */
  readonly leader: string | undefined;
  readonly lastSequence: number;
  readonly messages: number;
  /** When the stream was made: another time is another stream. */
  readonly created: string;
  /** Server name of the hub whose copy is read. */
  readonly servedBy: string | undefined;
  /** Sequence of the last message that was sent to this node. */
  readonly sentSequence: number;
  /** Messages of that copy which were not sent yet. */
  readonly unsent: number;
}

export interface TailWatchOptions {
  readonly clock: Clock;
  /** Undefined when they do not answer. */
  readonly ask: () => Promise<StreamEnds | undefined>;
  /** `created` when reading began. */
  readonly created: string;
  /** The last sequence that was read before. */
  readonly position: number;
}

/** `behind`: this reading will not get what is missing. `unknown`: the hubs did not say. */
type TailVerdict =
  | { readonly kind: 'end' | 'moves' | 'unknown' }
  | { readonly kind: 'behind'; readonly detail: string };

export class TailWatch {
  readonly #options: TailWatchOptions;
  #position: number;
  #reached = 0;
  /** Answers in a row, without a step of the reading, that showed something sent beyond it. */
  #inVain = 0;
  #doubtAt: Monotonic | undefined;
  #waiting = new AbortController();

  constructor(options: TailWatchOptions) {
    this.#options = options;
    this.#position = options.position;
  }

  /** All up to there was read. */
  read(sequence: number): void {
    this.#position = sequence;
    this.#inVain = 0;
    if (sequence >= this.#reached) this.#doubtAt = undefined;
  }

  /** Somebody has seen a message of that sequence. It may be hearsay: the hubs are asked before anything comes of it. */
  reached(sequence: number): void {
    if (sequence <= this.#position || sequence <= this.#reached) return;
    this.#reached = sequence;
    if (this.#doubtAt !== undefined) return;
    this.#doubtAt = (this.#options.clock.monotonic() + UNDER_WAY_MS) as Monotonic;
    this.#waiting.abort('doubted'); // without a reason each abort makes an exception and its stack
  }

  /** @param onEnd told whenever everything is found read. @returns why the reading will not get further, or undefined when `signal` aborts */
  async run(onEnd: () => void, signal: AbortSignal): Promise<string | undefined> {
    const { clock } = this.#options;
    for (;;) {
      await this.#untilDoubt(signal);
      const verdict = await this.#verdict(signal);
      if (signal.aborted) return undefined;
      if (verdict.kind === 'behind') return verdict.detail;
      if (verdict.kind === 'end') {
        // What was heard before was of a log that was longer once.
        this.#reached = this.#position;
        this.#doubtAt = undefined;
        onEnd();
      } else {
        const pause = verdict.kind === 'unknown' ? ASK_AGAIN_MS : 0;
        this.#doubtAt = (clock.monotonic() + pause) as Monotonic;
      }
    }
  }

  async #untilDoubt(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    const rarely = (clock.monotonic() + RARELY_MS) as Monotonic;
    for (;;) {
      const due = this.#doubtAt ?? rarely;
      if (signal.aborted || clock.monotonic() >= due) return;
      this.#waiting = new AbortController();
      await clock.sleepUntil(due, AbortSignal.any([signal, this.#waiting.signal]));
    }
  }

  async #verdict(signal: AbortSignal): Promise<TailVerdict> {
    const { clock, ask, created } = this.#options;
    const first = await ask();
    if (first === undefined) return { kind: 'unknown' };
    if (first.created !== created) return { kind: 'behind', detail: 'the stream was made anew' };
    const before = this.#position;
    if (isEmptyAfter(before, first) || before === first.lastSequence) return { kind: 'end' };
    await clock.sleepUntil((clock.monotonic() + STANDSTILL_MS) as Monotonic, signal);
    const ends = await ask();
    if (ends === undefined) return { kind: 'unknown' };
    if (this.#position !== before) return { kind: this.#position >= first.lastSequence ? 'end' : 'moves' };
    if (before === ends.lastSequence) return { kind: 'end' };
    return ends.sentSequence > before ? this.#awaited(before, ends) : standing(before, ends);
  }

  #awaited(position: number, { servedBy, sentSequence }: StreamEnds): TailVerdict {
    this.#inVain += 1;
    if (this.#inVain < ANSWERS_IN_VAIN) return { kind: 'moves' };
    const copy = servedBy ?? 'the hub';
    return { kind: 'behind', detail: `${copy} has sent ${sentSequence}, and nothing came after ${position}` };
  }
}

function isEmptyAfter(position: number, { lastSequence, messages }: StreamEnds): boolean {
  return messages === 0 && position < lastSequence;
}

/** Nothing came, and nothing is under way. */
function standing(position: number, { leader, servedBy, lastSequence, unsent }: StreamEnds): TailVerdict {
  const [copy, log] = [servedBy ?? 'the hub', leader ?? 'the log'];
  if (position > lastSequence)
    return { kind: 'behind', detail: `${copy} has ${position} where ${log} ends at ${lastSequence}` };
  // The newest messages of the log itself are lost, and their sequences are not given again.
  if (unsent === 0 && servedBy === leader) return { kind: 'end' };
  return { kind: 'behind', detail: `${copy} goes no further than ${position}, and ${log} ends at ${lastSequence}` };
}
