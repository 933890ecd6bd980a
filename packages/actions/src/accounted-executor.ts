/** An executor whose calls are written down in the budget of the account that they are made with. */
import type { ApiBudget, ApiCall } from './api-budget.ts';
import type { ApiUsage, ExecutorFault, NicTarget, ProviderExecutor } from './ports.ts';

export function accountedExecutor(executor: ProviderExecutor, budget: ApiBudget): ProviderExecutor {
  const settle = (
    nic: NicTarget,
    call: ApiCall,
    usage: ApiUsage | undefined,
    fault: ExecutorFault | undefined,
  ): void => {
    const counted = { read: call === 'read' ? 1 : 0, write: call === 'write' ? 1 : 0 };
    if (usage !== undefined) budget.learned(nic, usage, counted);
    if (fault?.errorClass === 'throttled') budget.throttled(nic, call, fault.retryAfterMs);
  };
  return {
    async execute(request, signal) {
      const call = request.mode === 'execute' ? 'write' : 'read';
      budget.spend(request.nic, call);
      const answer = await executor.execute(request, signal);
      if (!answer.ok) settle(request.nic, call, answer.error.usage, answer.error);
      else {
        settle(request.nic, call, answer.value.usage, undefined);
        const wasThrottled = answer.value.results.some(({ errorClass }) => errorClass === 'throttled');
        if (wasThrottled) budget.throttled(request.nic, call, undefined);
      }
      return answer;
    },
    async observe(nic, signal) {
      budget.spend(nic, 'read');
      const answer = await executor.observe(nic, signal);
      settle(nic, 'read', answer.ok ? answer.value.usage : answer.error.usage, answer.ok ? undefined : answer.error);
      return answer;
    },
  };
}
