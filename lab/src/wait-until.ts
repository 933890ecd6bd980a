import { setTimeout as delay } from 'node:timers/promises';
import { LabFault } from './lab-fault.ts';

/**
 * Asks until the answer is not `undefined`. The lab never sleeps for a fixed time: it waits for what it needs.
 * @param what completes the sentence "… did not happen"; a function is asked at the end, so that it can say what was seen last
 */
export async function waitUntil<T>(
  what: string | (() => string),
  probe: () => T | undefined | Promise<T | undefined>,
  limits: { readonly deadlineMs: number; readonly everyMs?: number; readonly signal?: AbortSignal },
): Promise<T> {
  const end = performance.now() + limits.deadlineMs;
  for (;;) {
    limits.signal?.throwIfAborted();
    const answer = await probe();
    if (answer !== undefined) return answer;
    if (performance.now() > end) {
      throw new LabFault(
        'lab.deadline',
        `${typeof what === 'string' ? what : what()} did not happen within ${limits.deadlineMs / 1000} s.`,
      );
    }
    await delay(limits.everyMs ?? 10);
  }
}

/** For what is judged afterwards, whatever came of it: `undefined` when it did not happen in time. All other failures are passed on. */
export async function seenWithin<T>(
  deadlineMs: number,
  probe: () => T | undefined | Promise<T | undefined>,
  everyMs = 10,
): Promise<T | undefined> {
  try {
    return await waitUntil('it', probe, { deadlineMs, everyMs });
  } catch (cause) {
    if (cause instanceof LabFault && cause.code === 'lab.deadline') return undefined;
    throw cause;
  }
}
