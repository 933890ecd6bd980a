/**
 * Questions to hubs of which one may be missing. nats-server 2.9 picks the hub that has a consumer in its care by chance among all that keep the
 * stream, those that are gone as well, and such a hub never answers. So a question that nobody answers soon is asked in another way as well.
 */
import { errors } from '@nats-io/transport-node';
import type { Monotonic } from '@routerd/resources';
import type { Clock } from '@routerd/runtime';

/**
 * So long a question may be silent before the next is asked too. An answer takes a few milliseconds; where a machine is too slow for this the first
 * question is still waited for, and the second costs it one consumer that nobody uses.
 */
export const SILENCE_MS = 600;

/**
 * Asks one after the other, each as soon as those before were silent for `SILENCE_MS`. What comes first counts, be it an answer or a refusal; what is
 * answered later is dropped. Rejects with a time-out when the last was silent for as long.
 */
export async function firstAnswer<Answer>(
  questions: readonly (() => Promise<Answer>)[],
  clock: Clock,
): Promise<Answer> {
  const began = clock.monotonic();
  const over = new AbortController();
  const turn = async (index: number): Promise<void> =>
    clock.sleepUntil((began + index * SILENCE_MS) as Monotonic, over.signal);
  const outcomes = questions.map(async (ask, index): Promise<() => Answer> => {
    await turn(index);
    if (over.signal.aborted) return silence;
    try {
      const answer = await ask();
      return () => answer;
    } catch (cause) {
      // Whether all are silent the clock says.
      if (cause instanceof errors.TimeoutError) await turn(questions.length);
      return () => {
        throw cause;
      };
    }
  });
  try {
    const first = await Promise.race([...outcomes, turn(questions.length).then(() => silence)]);
    return first();
  } finally {
    over.abort('answered'); // without a reason each abort makes an exception and its stack
  }
}

function silence(): never {
  throw new errors.TimeoutError();
}
