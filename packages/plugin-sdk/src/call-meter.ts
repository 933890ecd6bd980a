/**
 * What calls to a provider cost, between the client that makes them and the request that they are made for: clients outlive requests.
 * A plugin that has one (`ExecutorPlugin.meter`) need not call `context.spent`.
 *
 * 1. Each call that is sent counts, also what the vendor's library repeats by itself, and whatever comes of it.
 * 2. A refusal for too many calls says that nothing is left, for as long as the provider wants no call; an answer with a rate header overrules it.
 * 3. Requests are answered one at a time (`serve`), so what was counted since the last one belongs to the present one.
 */
import type { Usage } from './protocol.ts';

export type MeteredCall = 'read' | 'write';

export interface CallMeter {
  sent(call: MeteredCall): void;
  /** A rate header: how many calls are left before the provider refuses. */
  left(call: MeteredCall, calls: number): void;
  /** @param retryAfterMs when the provider wants the next one; undefined where it does not say */
  refused(call: MeteredCall, retryAfterMs: number | undefined): void;
  /** What was counted since the last time; writes are counted where they are asked for, by `mutate`. */
  take(): Omit<Usage, 'writes'>;
}

export function createCallMeter(now: () => number = () => performance.now()): CallMeter {
  let reads = 0;
  let left: Partial<Record<MeteredCall, number>> = {};
  let closedUntil = 0;
  return {
    sent(call) {
      if (call === 'read') reads += 1;
    },
    left(call, calls) {
      left = { ...left, [call]: calls };
    },
    refused(call, retryAfterMs = 0) {
      left = { ...left, [call]: 0 };
      closedUntil = Math.max(closedUntil, now() + retryAfterMs);
    },
    take() {
      const resetsAfterMs = Math.max(0, Math.ceil(closedUntil - now()));
      const taken = {
        reads,
        ...(left.read === undefined ? {} : { readsLeft: left.read }),
        ...(left.write === undefined ? {} : { writesLeft: left.write }),
        ...(resetsAfterMs === 0 ? {} : { resetsAfterMs }),
      };
      reads = 0;
      left = {};
      closedUntil = 0;
      return taken;
    },
  };
}

/**
 * The pause that a reply asks for, in milliseconds: a number of seconds, fractions honoured, or a date (RFC 9110, section 10.2.3).
 * @param header the field's value; undefined where the reply has none
 */
export function retryAfterOf(header: string | null | undefined, nowMs = Date.now()): number | undefined {
  if (header === null || header === undefined || header.trim() === '') return undefined;
  const seconds = Number(header);
  if (!Number.isNaN(seconds)) return seconds >= 0 ? seconds * 1000 : undefined;
  const at = Date.parse(header);
  return Number.isNaN(at) ? undefined : Math.max(0, at - nowMs);
}
