/** A network of which a test says who answers. */
import type { HealthProbe, HealthQuestion, HealthTarget } from '../../health/health-probe.ts';

export interface MemoryHealthProbe extends HealthProbe {
  /** From now on nobody answers at that target; without a target, nowhere. */
  silence(target?: HealthTarget): void;
  answer(target?: HealthTarget): void;
  /** All that was asked, in order. */
  readonly asked: readonly { readonly target: HealthTarget; readonly question: HealthQuestion }[];
}

export function createMemoryHealthProbe(): MemoryHealthProbe {
  const silent = new Set<HealthTarget | undefined>();
  const asked: MemoryHealthProbe['asked'][number][] = [];
  return {
    asked,
    silence: (target) => silent.add(target),
    answer: (target) => silent.delete(target),
    ask: async (target, question) => {
      asked.push({ target, question });
      return silent.has(target) || silent.has(undefined)
        ? { kind: 'failed', detail: `${target} does not answer` }
        : { kind: 'answered', tookMs: 1 };
    },
  };
}
