/** Makes the consumer of one reading at a hub that is there. */
import type { ConsumerConfig, ConsumerInfo, JetStreamManager } from '@nats-io/jetstream';
import type { Monotonic } from '@routerd/resources';
import type { Clock } from '@routerd/runtime';
import { firstAnswer, SILENCE_MS } from './ask-hubs.ts';

export interface ConsumerPlace {
  readonly manager: JetStreamManager;
  readonly stream: string;
  /** `consumerNames`, in the order in which they are tried: the hub's permissions allow a node no other. */
  readonly names: readonly string[];
  readonly clock: Clock;
}

export interface ClearedPlace {
  /** Rejects with the first refusal, or with a time-out when under no name a hub answered. */
  make(config: Partial<ConsumerConfig>): Promise<ConsumerInfo>;
}

/**
 * Removes what earlier readings left under these names. A consumer in the care of a hub that is missing is removed by those that are there, and nobody
 * says so: silence is no reason not to go on. A new one under a name whose removal is not done yet would get the same hub again, though.
 */
export function clearPlace({ manager, stream, names, clock }: ConsumerPlace): ClearedPlace {
  const soon = (clock.monotonic() + SILENCE_MS) as Monotonic;
  const removals = names.map(async (name) => {
    const removed = new AbortController();
    const removal = manager.consumers.delete(stream, name).then(
      () => removed.abort('removed'),
      // There is none, or why there is no answer is told when one is made.
      () => removed.abort('refused'),
    );
    await Promise.race([removal, clock.sleepUntil(soon, removed.signal)]);
  });
  return {
    make: async (config) =>
      firstAnswer(
        names.map((name, index) => async () => {
          await removals[index];
          return manager.consumers.add(stream, { ...config, name });
        }),
        clock,
      ),
  };
}
