/**
 * An executor whose calls are written down in the budget of the account that they are made with. A request to change something reads as well:
 * where the answer says of which calls there are none left, those were refused; else what the request is for was.
 */
import { CALLS, type ApiBudget, type ApiCall } from './api-budget.ts';
import type { ApiUsage, ExecutorFault, NicTarget, ProviderExecutor } from './ports.ts';

interface Answered {
  readonly usage: ApiUsage | undefined;
  readonly isRefused: boolean;
  readonly retryAfterMs: number | undefined;
}

/** What an answer to a request that was counted as one call says of the account. */
export function answeredBy({ usage, errorClass, retryAfterMs }: ExecutorFault): Answered {
  return { usage, isRefused: errorClass === 'throttled', retryAfterMs };
}

export function settle(
  budget: ApiBudget,
  { nic, call }: { readonly nic: NicTarget; readonly call: ApiCall },
  { usage, isRefused, retryAfterMs }: Answered,
): void {
  const counted = { read: call === 'read' ? 1 : 0, write: call === 'write' ? 1 : 0 };
  if (usage !== undefined) budget.learned(nic, usage, counted);
  if (!isRefused) return;
  const told = CALLS.filter((each) => (each === 'read' ? usage?.readsLeft : usage?.writesLeft) === 0);
  for (const each of told.length === 0 ? [call] : told)
    budget.throttled(nic, each, retryAfterMs ?? usage?.resetsAfterMs);
}

export function accountedExecutor(executor: ProviderExecutor, budget: ApiBudget): ProviderExecutor {
  return {
    async execute(request, signal) {
      const call = request.mode === 'execute' ? 'write' : 'read';
      budget.spend(request.nic, call);
      const answer = await executor.execute(request, signal);
      if (!answer.ok) settle(budget, { nic: request.nic, call }, answeredBy(answer.error));
      else {
        const isRefused = answer.value.results.some(({ errorClass }) => errorClass === 'throttled');
        settle(budget, { nic: request.nic, call }, { usage: answer.value.usage, isRefused, retryAfterMs: undefined });
      }
      return answer;
    },
    async observe(nic, signal) {
      budget.spend(nic, 'read');
      const answer = await executor.observe(nic, signal);
      settle(
        budget,
        { nic, call: 'read' },
        answer.ok ? { usage: answer.value.usage, isRefused: false, retryAfterMs: undefined } : answeredBy(answer.error),
      );
      return answer;
    },
  };
}
