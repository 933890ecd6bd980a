/**
 * The ports of an engine whose process dies at one step, as kill -9 does: before the step takes effect, or after it and before anybody
 * hears of it. From then on nothing that the dead engine still tries has any effect.
 *
 * A step is each write of the journal, each append to the registry and each call of the executor.
 */
import type { HostAddress } from '@routerd/resources';
import { err } from '@routerd/resources';
import type { ExecuteRequest, FenceRegistry, Journal, ProviderExecutor } from '../src/ports.ts';

export type DeathPoint = 'before' | 'after' | 'half-way';

export class Life {
  readonly steps: string[] = [];
  #isDead = false;
  readonly #dies: { readonly at: number; readonly point: DeathPoint } | undefined;

  /** @param dies undefined: lives on */
  constructor(dies?: { readonly at: number; readonly point: DeathPoint }) {
    this.#dies = dies;
  }

  get isDead(): boolean {
    return this.#isDead;
  }

  /** @returns where in this step the process dies; undefined when it lives through it */
  begin(step: string): DeathPoint | undefined {
    if (this.#isDead) return 'before';
    this.steps.push(step);
    return this.#dies?.at === this.steps.length - 1 ? this.#dies.point : undefined;
  }

  die(): void {
    this.#isDead = true;
  }
}

/** Thrown into a dead engine. */
class Dead extends Error {}

export function mortalJournal(journal: Journal, life: Life): Journal {
  const write = <T>(step: string, change: () => T): T => {
    const death = life.begin(step);
    if (death === undefined) return change();
    const wasAlive = !life.isDead;
    life.die();
    // A transaction has no half: it is there or not.
    if (wasAlive && death === 'after') change();
    throw new Dead(step);
  };
  return {
    ...journal,
    importProposal: (proposal, now) => write(`import ${proposal.verb}`, () => journal.importProposal(proposal, now)),
    transition: (ids, from, change, now) =>
      write(`transition to ${change.status ?? 'message'}`, () => journal.transition(ids, from, change, now)),
    openAttempt: (ids, attempt, now) => write('open attempt', () => journal.openAttempt(ids, attempt, now)),
    closeAttempt: (attempt, outcome, now) => write('close attempt', () => journal.closeAttempt(attempt, outcome, now)),
    prune: (limits) => write('prune', () => journal.prune(limits)),
  };
}

export function mortalRegistry(registry: FenceRegistry, life: Life): FenceRegistry {
  return {
    records: () => registry.records(),
    async append(transitions, signal) {
      const death = life.begin('append');
      if (death === undefined) return registry.append(transitions, signal);
      const wasAlive = !life.isDead;
      life.die();
      if (wasAlive && death !== 'before') await registry.append(transitions, signal);
      return never();
    },
  };
}

/** Half-way: the first half of the batch was carried out, as where a provider takes one call for each address. */
export function mortalExecutor(executor: ProviderExecutor, life: Life): ProviderExecutor {
  return {
    async execute(request, signal) {
      const death = life.begin(`execute ${request.verb}`);
      if (death === undefined) return executor.execute(request, signal);
      const wasAlive = !life.isDead;
      life.die();
      if (wasAlive && death !== 'before') await executor.execute(partOf(request, death), signal);
      return never();
    },
    async observe(nic, signal) {
      if (life.begin('observe') === undefined) return executor.observe(nic, signal);
      life.die();
      return never();
    },
  };
}

/** The executor's process is killed while it carries out the n-th call; the engine lives on and is told that it crashed. */
export function crashingExecutor(executor: ProviderExecutor, at: number, point: DeathPoint): ProviderExecutor {
  let calls = 0;
  return {
    async execute(request, signal) {
      calls += 1;
      if (calls !== at + 1) return executor.execute(request, signal);
      if (point !== 'before') await executor.execute(partOf(request, point), signal);
      return err({ code: 'executor.crashed', errorClass: 'unknown-outcome', detail: 'ended by SIGKILL' });
    },
    async observe(nic, signal) {
      calls += 1;
      if (calls !== at + 1) return executor.observe(nic, signal);
      return err({ code: 'executor.crashed', errorClass: 'transport', detail: 'ended by SIGKILL' });
    },
  };
}

function partOf(request: ExecuteRequest, point: DeathPoint): ExecuteRequest {
  const half: readonly { readonly address: HostAddress }[] = request.addresses.slice(
    0,
    Math.ceil(request.addresses.length / 2),
  );
  return point === 'half-way'
    ? { ...request, addresses: request.addresses.filter((each) => half.includes(each)) }
    : request;
}

async function never<T>(): Promise<T> {
  return new Promise<T>(() => undefined);
}
