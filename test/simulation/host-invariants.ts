/** What is checked of every change to a kernel, and of every plan: I3, I5, I7 and I8. */
import { describeOp, diffHost, type HostOp } from '@routerd/dataplane';
import type { Fact } from '@routerd/federation';
import type { HostAddress } from '@routerd/resources';
import type { Machine } from './machine.ts';
import type { Violation } from './violation.ts';

/** What the operator's own address looks like, on every host. */
export const FOREIGN_ADDRESS = '192.0.2.10/24';
/** Above so many addresses not every pass of every node is looked through. */
const PLANS_ALWAYS_CHECKED = 50;

export interface HostInvariantsOptions {
  readonly isConnected: (name: string) => boolean;
  /** Routers of a site that attract packets for the address there, by what kernels and provider show. */
  readonly capturers: (site: string, address: HostAddress) => readonly string[];
  /** What VRRP lets the process do, as it was told; undefined where it has no say. */
  readonly gateOf: (machine: Machine) => 'open' | 'closed' | undefined;
  readonly livesAt: (address: HostAddress, site: string) => boolean;
  readonly livedAtSince: (address: HostAddress, site: string, since: number) => boolean;
  readonly machine: (name: string) => Machine;
  readonly report: (violation: Omit<Violation, 'at'>) => void;
}

export class HostInvariants {
  readonly #options: HostInvariantsOptions;
  #passes = 0;

  constructor(options: HostInvariantsOptions) {
    this.#options = options;
  }

  applied(machine: Machine, ops: readonly HostOp[]): void {
    const { report, isConnected, gateOf } = this.#options;
    if (!isConnected(machine.name))
      for (const op of ops)
        if (isCaptureChange(op) && !isOfGate(op, gateOf(machine)))
          report({
            invariant: 'I5',
            what: `${machine.name} does ${describeOp(op)} while the registry is out of reach`,
          });
    for (const op of ops) {
      if (op.verb === 'address-remove' && op.address === FOREIGN_ADDRESS)
        report({ invariant: 'I7', what: `${machine.name} removes ${op.address}, which is not ours` });
      if (op.verb === 'proxy-neighbor-add') this.#checkOwnSite(machine, op.neighbor.address);
    }
    this.#checkPlanned(machine, ops);
  }

  /** I3, as the node itself knows it: nothing of its own site is claimed or captured. */
  planned(machine: Machine): void {
    const { running } = machine;
    if (running === undefined) return;
    this.#passes += 1;
    for (const pool of running.node.reconciler.pools) {
      if (pool.addresses().size > PLANS_ALWAYS_CHECKED && this.#passes % 50 !== 0) continue;
      for (const { lease, claim, captureOpen, address } of pool.plans()) {
        const isOwn = lease !== undefined && lease.status !== 'expired' && lease.site === machine.site;
        if (isOwn && (claim !== undefined || captureOpen))
          this.#options.report({ invariant: 'I3', what: `${machine.name} claims ${address}, which its own site owns` });
      }
    }
  }

  /** I3: what a site captures is never told to live there, unless it does. */
  factAppended({ type, address, source, origin, site }: Fact): void {
    if (type !== 'routerd.client.ipv4.observed') return;
    const { capturers, livesAt, livedAtSince, machine, report } = this.#options;
    if (livesAt(address, site)) return;
    const captors = capturers(site, address);
    if (captors.length === 0) return;
    // An operator may say what no router sees; it is refused only where the node itself knows better.
    const isKnown = machine(source).running?.node.isCapturedHere(address) !== undefined;
    if (origin === 'operator' && !isKnown) return;
    // A node that is cut off hears of no capture: it has seen a machine, which has left meanwhile and was not missed yet.
    const { running } = machine(source);
    const status = running?.node.federation.status();
    const isIgnorant = !isKnown && !(status?.connected === true && status.registryCaughtUp);
    if (running !== undefined && isIgnorant && livedAtSince(address, site, running.startedAt)) return;
    report({
      invariant: 'I3',
      what: `${source} tells that ${address} lives at ${site}, where ${captors.join(', ')} captures it`,
    });
  }

  #checkOwnSite(machine: Machine, address: HostAddress): void {
    for (const pool of machine.running?.node.reconciler.pools ?? []) {
      const lease = pool.plan(address)?.lease;
      if (lease !== undefined && lease.status !== 'expired' && lease.site === machine.site)
        this.#options.report({ invariant: 'I3', what: `${machine.name} captures ${address}, which its own site owns` });
    }
  }

  /** I8: the ops are those that the difference between desired and last read has. */
  #checkPlanned(machine: Machine, ops: readonly HostOp[]): void {
    const { running } = machine;
    const derived = running?.node.reconciler.derived();
    const observed = running?.node.host.status().observed;
    if (running === undefined || derived === undefined || observed === undefined) return;
    const owned = machine.disk.content.ledger.entries();
    const planned = (isRetaining: boolean, closed: readonly string[] = []): string =>
      asText(
        diffHost(derived.host, observed, owned, {
          retainSurplus: isRetaining,
          retainRoutes: isRetaining,
          closedInterfaces: new Set(closed),
        }),
      );
    const applied = asText(ops);
    const plan = planned(false);
    if (plan === applied || planned(true) === applied) return;
    if (this.#options.gateOf(machine) === 'closed' && planned(true, ['lan0']) === applied) return;
    this.#options.report({ invariant: 'I8', what: `${machine.name} planned\n${plan}\nand applies\n${applied}` });
  }
}

/** Attracting packets anew, or not any more; or no longer knowing the way. */
function isCaptureChange(op: HostOp): boolean {
  return (
    op.verb === 'proxy-neighbor-add' ||
    op.verb === 'proxy-neighbor-remove' ||
    (op.verb === 'route-remove' && op.route.destination.endsWith('/32'))
  );
}

/**
 * Whoever is no master answers for nothing, whatever else it does not know; and whoever is the master again answers for what it holds by all
 * that it knows: on its LAN there is no other.
 */
function isOfGate({ verb }: HostOp, gate: 'open' | 'closed' | undefined): boolean {
  return (gate === 'closed' && verb === 'proxy-neighbor-remove') || (gate === 'open' && verb === 'proxy-neighbor-add');
}

/** Within a class the order follows that of the reading, which is nobody's business. */
function asText(ops: readonly HostOp[]): string {
  return ops.map(describeOp).toSorted().join('\n');
}
