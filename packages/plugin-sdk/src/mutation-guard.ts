/** What a plugin gets with each request: the one way to a mutating call, and the count of what was spent. */
import { ExecutorError } from './executor-error.ts';
import type { CallContext } from './executor-plugin.ts';
import type { Usage } from './protocol.ts';

export interface GuardEnvironment {
  /** False once the process that sent the request has gone away. */
  isCallerAlive(): boolean;
  note(text: string): void;
}

export interface MutationGuard {
  readonly context: CallContext;
  /** True once a mutating call was begun. */
  wasUsed(): boolean;
  usage(): Usage;
}

export function mutationGuard(mode: CallContext['mode'], environment: GuardEnvironment): MutationGuard {
  let writes = 0;
  let spent: Omit<Usage, 'writes'> = {};
  return {
    wasUsed: () => writes > 0,
    usage: () => ({ writes, ...spent }),
    context: {
      mode,
      note: (text) => environment.note(text),
      spent: (more) => {
        const reads = (spent.reads ?? 0) + (more.reads ?? 0);
        spent = { ...spent, ...more, ...(reads === 0 ? {} : { reads }) };
      },
      async mutate(what, call) {
        if (mode !== 'execute')
          throw new ExecutorError('invalid', `refused to ${what}: the mode is ${mode}`, { number: 507 });
        if (!environment.isCallerAlive()) {
          // Not `unknown-outcome`, unless something was done before: this call was not made.
          const text = `refused to ${what}: the caller has gone away`;
          throw writes > 0
            ? new ExecutorError('unknown-outcome', text)
            : new ExecutorError('transport', text, { number: 902 });
        }
        writes += 1;
        return call();
      },
    },
  };
}
