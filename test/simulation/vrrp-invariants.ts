/**
 * What is checked where VRRP is the authority over who captures on a LAN.
 *
 * 1. No process begins to answer for an address unless the last that it was told of its role is `master`. What it was told at the very same
 *    instant it may not have weighed yet.
 * 2. Fail closed: whoever was told that it is no master, or was told nothing since it started, answers for nothing soon after.
 */
import type { HostOp } from '@routerd/dataplane';
import type { Machine } from './machine.ts';
import type { SimVrrp } from './sim-vrrp.ts';
import type { VirtualTime } from './virtual-time.ts';
import type { Violation } from './violation.ts';

/** A host is read within it, and what is too much there taken off. */
const WITHDRAWN_WITHIN_MS = 3000;

export interface VrrpInvariantsOptions {
  readonly time: () => VirtualTime;
  readonly vrrpOf: (site: string) => SimVrrp | undefined;
  readonly report: (violation: Omit<Violation, 'at'>) => void;
}

export class VrrpInvariants {
  readonly #options: VrrpInvariantsOptions;

  constructor(options: VrrpInvariantsOptions) {
    this.#options = options;
  }

  applied({ name, site }: Machine, ops: readonly HostOp[]): void {
    const { time, vrrpOf, report } = this.#options;
    const told = vrrpOf(site)?.told(name);
    if (told === undefined || told.role === 'master' || told.since === time().now()) return;
    for (const op of ops)
      if (op.verb === 'proxy-neighbor-add')
        report({
          invariant: 'vrrp',
          what: `${name} begins to answer for ${op.neighbor.address}, and was told that its role is ${told.role}`,
        });
  }

  told(machine: Machine): void {
    const { time, vrrpOf, report } = this.#options;
    const told = vrrpOf(machine.site)?.told(machine.name);
    if (told === undefined || told.role === 'master') return;
    const { role, since, life } = told;
    time().after(WITHDRAWN_WITHIN_MS, () => {
      const now = vrrpOf(machine.site)?.told(machine.name);
      // A process that is ending leaves the host as it is.
      if (now?.life !== life || now.since !== since || now.role !== role || machine.running?.life !== life) return;
      for (const { address } of machine.kernel?.shown().proxyNeighbors ?? [])
        report({ invariant: 'vrrp', what: `${machine.name} still answers for ${address}, though its role is ${role}` });
    });
  }
}
