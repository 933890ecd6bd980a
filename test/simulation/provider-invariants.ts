/**
 * What is checked of every request to a provider, at the moment of the request and of its effect: I1, I4, I5 and I8.
 *
 * I1 in full. A provider of the kind without conditional writes cannot be asked to compare epochs, so between the quorum write that
 * confirms a fence and the effect at the provider there is a window in which another router may win a higher epoch and be quicker.
 * What the fence promises, and what is checked here:
 *
 * 1. A request is handed over only within `FENCE_AGE_MAX_MS` after a record of its node, key and epoch won in the log.
 * 2. No effect has a lower epoch than an earlier effect of its key, but for requests in that window: they were confirmed before the
 *    higher epoch was claimed.
 * 3. A registry that lost data may give out an epoch again, to nodes that had not seen it. A node that has seen a higher epoch never
 *    acts below it.
 * 4. No two routers acquire in one epoch.
 */
import { nicKeyOf, type ExecuteRequest } from '@routerd/actions';
import type { CaptureKey } from '@routerd/mobility';
import type { Machine } from './machine.ts';
import type { RegistryAudit } from './registry-audit.ts';
import type { SeenMutation } from './sim-cloud.ts';
import type { Violation } from './violation.ts';

/** An append that is not answered in five seconds is given up; what was read back is acted on at once. */
export const FENCE_AGE_MAX_MS = 5500;

interface Effect {
  readonly node: string;
  readonly epoch: number;
  readonly at: number;
}

export interface ProviderInvariantsOptions {
  readonly audit: RegistryAudit;
  readonly now: () => number;
  readonly machine: (name: string) => Machine;
  readonly isConnected: (name: string) => boolean;
  readonly report: (violation: Omit<Violation, 'at'>) => void;
}

export class ProviderInvariants {
  readonly #options: ProviderInvariantsOptions;
  readonly #highest = new Map<string, Effect>();
  readonly #acquired = new Map<string, Effect>();

  constructor(options: ProviderInvariantsOptions) {
    this.#options = options;
  }

  submitted(node: string, request: ExecuteRequest): void {
    if (request.mode !== 'execute') return;
    const { report, isConnected } = this.#options;
    if (!isConnected(node))
      report({ invariant: 'I5', what: `${node} asks for ${request.verb} while the registry is out of reach` });
    this.#checkJournal(node, request);
    for (const item of request.addresses) this.#checkFence(node, request.verb, item);
  }

  mutated({ node, verb, address, captureKey, captureEpoch, submittedAt, effectiveAt }: SeenMutation): void {
    const { report, audit } = this.#options;
    const effect: Effect = { node, epoch: captureEpoch, at: effectiveAt };
    const highest = this.#highest.get(captureKey);
    if (highest !== undefined && captureEpoch < highest.epoch) {
      const isExcused =
        this.#wasInFlight(captureKey, effect, submittedAt, highest) || this.#isLossExcuse(node, captureKey, highest);
      if (!isExcused)
        report({
          invariant: 'I1',
          what: `${node} changed ${address} (${verb}) in epoch ${captureEpoch}, after ${highest.node} had in epoch ${highest.epoch}`,
        });
    } else this.#highest.set(captureKey, effect);
    if (verb !== 'assign-secondary-ip') return;
    const twin = this.#acquired.get(`${captureKey} ${captureEpoch}`);
    if (
      twin !== undefined &&
      twin.node !== node &&
      !audit.losses.some((at) => at >= twin.at - 20_000 && at <= effectiveAt)
    )
      report({ invariant: 'I1', what: `${node} and ${twin.node} both acquired ${address} in epoch ${captureEpoch}` });
    this.#acquired.set(`${captureKey} ${captureEpoch}`, effect);
  }

  /** Confirmed before the higher epoch was claimed, and overtaken on its way. */
  #wasInFlight(key: string, { node, epoch }: Effect, submittedAt: number, highest: Effect): boolean {
    const confirmed = this.#options.audit.lastWin(key as CaptureKey, epoch, node);
    const overtaken = this.#options.audit.firstWinOf(key as CaptureKey, highest.epoch);
    return (
      confirmed !== undefined &&
      overtaken !== undefined &&
      confirmed <= overtaken &&
      submittedAt - confirmed <= FENCE_AGE_MAX_MS
    );
  }

  #isLossExcuse(node: string, key: string, highest: Effect): boolean {
    const { audit, machine } = this.#options;
    const seen =
      machine(node)
        .disk.content.highWater.all()
        .get(key as CaptureKey) ?? 0;
    return audit.losses.length > 0 && seen < highest.epoch;
  }

  #checkFence(
    node: string,
    verb: string,
    { address, captureKey, captureEpoch }: ExecuteRequest['addresses'][number],
  ): void {
    const { audit, now, report } = this.#options;
    const confirmed = audit.lastWin(captureKey as CaptureKey, captureEpoch, node);
    const age = confirmed === undefined ? undefined : now() - confirmed;
    if (age === undefined || age > FENCE_AGE_MAX_MS)
      report({
        invariant: 'I1',
        what: `${node} asks for ${verb} of ${address} in epoch ${captureEpoch}, ${age === undefined ? 'which it never confirmed' : `confirmed ${age} ms ago`}`,
      });
  }

  /** I4: the journal holds the attempt, opened before the call; I8: what is asked for is what the rows, which `plan` prints, say. */
  #checkJournal(node: string, request: ExecuteRequest): void {
    const { machine, report } = this.#options;
    const { journal } = machine(node).disk.content;
    const rows = journal
      .list({ status: 'running' })
      .filter(({ id }) => journal.attempts(id).some(({ attempt }) => attempt === request.attempt));
    // Of the addresses that need the NIC to forward, the row names whichever did last.
    const isForwarding = request.verb.startsWith('ensure-forwarding');
    for (const item of request.addresses) {
      const row = rows.find(
        ({ proposal }) =>
          proposal.verb === request.verb &&
          (isForwarding || proposal.address === item.address) &&
          nicKeyOf(proposal) === nicKeyOf(request.nic),
      );
      if (row === undefined) {
        report({
          invariant: 'I4',
          what: `${node} asks for ${request.verb} of ${item.address}, and its journal has no open attempt`,
        });
        continue;
      }
      if (isForwarding) continue;
      const { verb, captureKey, captureEpoch, seize } = row.proposal;
      const planned = [verb, captureKey, captureEpoch, seize?.from].join(' ');
      const asked = [request.verb, item.captureKey, item.captureEpoch, item.seizeFrom].join(' ');
      if (planned !== asked) report({ invariant: 'I8', what: `${node} planned ${planned} and asks for ${asked}` });
    }
  }
}
