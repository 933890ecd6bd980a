/**
 * Requests that only look, and that nobody's packets wait for: preflight, check, inventory. They go in the lowest lane of the account, one after
 * another, and what they cost or were refused counts for the requests after them.
 */
import type { Result } from '@routerd/resources';
import type { Clock } from '@routerd/runtime';
import { answeredBy, settle } from './accounted-executor.ts';
import { ApiBudget } from './api-budget.ts';
import type { ApiUsage, ExecutorFault, NicTarget } from './ports.ts';

/** What an executor says to such a request. */
export interface Surveyed {
  readonly usage?: ApiUsage | undefined;
}

export interface Survey {
  /**
   * Waits until the account has room. A request that the provider refused for its number is made again, twice.
   * @param ask one request; the time that it takes to be let through is not its own
   */
  ask<Report extends Surveyed>(
    nic: NicTarget,
    ask: () => Promise<Result<Report, ExecutorFault>>,
  ): Promise<Result<Report, ExecutorFault>>;
}

const TRIES_MAX = 3;

export function createSurvey(clock: Clock, stop: AbortSignal, budget = new ApiBudget(clock)): Survey {
  return {
    async ask(nic, ask) {
      for (let tries = 1; ; tries += 1) {
        for (let at = budget.surveyNotBefore(nic); at !== undefined; at = budget.surveyNotBefore(nic)) {
          await clock.sleepUntil(at, stop);
          if (stop.aborted) return { ok: false, error: CANCELLED };
        }
        budget.spend(nic, 'read');
        const answer = await ask();
        const isRefused = !answer.ok && answer.error.errorClass === 'throttled';
        const told = answer.ok
          ? { usage: answer.value.usage, isRefused, retryAfterMs: undefined }
          : answeredBy(answer.error);
        settle(budget, { nic, call: 'read' }, told);
        if (!isRefused || tries === TRIES_MAX) return answer;
      }
    },
  };
}

const CANCELLED: ExecutorFault = {
  code: 'executor.cancelled',
  errorClass: 'transport',
  detail: 'it was stopped while the account had no room',
};
