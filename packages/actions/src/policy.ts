/**
 * The policy gates, in their order: policy present and enabled → dry-run → provider and providerRef → verb → CIDR → window →
 * bound of the run → approval. (The two epoch fences come after them, see `fence.ts`.) Pure. The zero policy allows nothing.
 *
 * Several policies: every enabled one that covers the provider and providerRef has to admit. One that is added can only restrict, never
 * allow, and none is silently ignored. The refusal of the first by name is the one that is told.
 */
import type { ActionProposal } from '@routerd/mobility';
import { prefixContains, type ResourceOf } from '@routerd/resources';
import { describeWindow, isInsideWindow, type LocalTime } from './execution-window.ts';
import type { ExecutionMode } from './ports.ts';

export type ActionPolicy = ResourceOf<'ProviderActionPolicy'>;

export const POLICY_GATES = [
  'policy',
  'dry-run',
  'provider',
  'provider-ref',
  'verb',
  'cidr',
  'window',
  'bound',
  'approval',
] as const;
export type PolicyGate = (typeof POLICY_GATES)[number];

export interface AdmissionContext {
  readonly mode: ExecutionMode;
  readonly isApproved: boolean;
  /**
   * How many actions this run has admitted already under each policy, by its name.
   * A run is one decision of one NIC's worker: what it takes out of the queue together and sends in one provider call.
   */
  readonly admittedInRun: ReadonlyMap<string, number>;
  /** Local time in an IANA time zone; undefined where the zone is not known. */
  readonly localTimeIn: (timezone: string) => LocalTime | undefined;
}

export interface Refusal {
  readonly kind: 'refused';
  readonly gate: PolicyGate;
  /** What the gate found, in the words that operators search for. */
  readonly message: string;
  /** What an operator may do about it. */
  readonly remedy: string;
}

/** Admitted while still pending means that the policy itself approves: the row then says {@link AUTO_APPROVER}. */
export type Admission =
  | {
      readonly kind: 'admitted';
      /** All that cover the action, by name; at least one. */
      readonly policies: readonly ActionPolicy[];
    }
  | Refusal;

/** Who approved an action that no operator had to approve. */
export const AUTO_APPROVER = 'policy:auto-approve';

/** Cost: linear in the number of policies. The order in which they are given does not matter. */
export function admit(
  policies: readonly ActionPolicy[],
  proposal: ActionProposal,
  context: AdmissionContext,
): Admission {
  const asked = policiesFor(policies, proposal);
  if (asked.length === 0) {
    return refused(
      'policy',
      'execution is disabled (no ProviderActionPolicy)',
      'Write a ProviderActionPolicy that allows this provider and action.',
    );
  }
  for (const policy of asked) {
    const refusal = refusalOf(policy, proposal, context);
    if (refusal !== undefined) return refusal;
  }
  return { kind: 'admitted', policies: asked };
}

function refusalOf(policy: ActionPolicy, proposal: ActionProposal, context: AdmissionContext): Refusal | undefined {
  return (
    gateEnabled(policy) ??
    gateDryRun(policy, context) ??
    gateProvider(policy, proposal) ??
    gateVerb(policy, proposal) ??
    gateCidr(policy, proposal) ??
    gateWindow(policy, context) ??
    gateBound(policy, context) ??
    gateApproval(policy, context)
  );
}

/** The remedy for one action: where it names a command, with the action's number. */
export function remedyFor(actionId: number, { remedy }: Refusal): string {
  return remedy.replace('approve ID', `approve ${actionId}`);
}

/** How a refusal stands in the journal. */
export function describeRefusal(actionId: number, refusal: Refusal): string {
  return `policy gate denied action ${actionId}: ${refusal.message}`;
}

/**
 * The enabled policies that cover the provider, by name. Where none does, the one whose refusal tells the operator most: an enabled one,
 * else the first by name; empty when there is none at all.
 */
export function policiesFor(policies: readonly ActionPolicy[], proposal: ActionProposal): readonly ActionPolicy[] {
  const sorted = policies.toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
  const enabled = sorted.filter(({ spec }) => spec.enabled);
  const covering = enabled.filter((policy) => gateProvider(policy, proposal) === undefined);
  return covering.length > 0 ? covering : [enabled[0] ?? sorted[0]].filter((policy) => policy !== undefined);
}

function gateEnabled({ metadata, spec }: ActionPolicy): Refusal | undefined {
  if (spec.enabled) return undefined;
  return refused(
    'policy',
    'execution is disabled (policy.enabled=false)',
    `Set spec.enabled: true in ProviderActionPolicy ${metadata.name}.`,
  );
}

function gateDryRun({ metadata, spec }: ActionPolicy, { mode }: AdmissionContext): Refusal | undefined {
  if (mode === 'dry-run' || !spec.dryRunOnly) return undefined;
  return refused(
    'dry-run',
    'live execution rejected: policy.dryRunOnly is true (mode=execute not permitted)',
    `Set spec.dryRunOnly: false in ProviderActionPolicy ${metadata.name}.`,
  );
}

function gateProvider({ metadata, spec }: ActionPolicy, proposal: ActionProposal): Refusal | undefined {
  const { provider, providerRef } = proposal;
  const where = `in ProviderActionPolicy ${metadata.name}`;
  if (!spec.allowedProviders.includes(provider)) {
    return refused(
      'provider',
      `provider "${provider}" is not in allowedProviders`,
      `Add ${provider} to spec.allowedProviders ${where}.`,
    );
  }
  if (spec.allowedProviderRefs.length === 0 || spec.allowedProviderRefs.includes(providerRef)) return undefined;
  return refused(
    'provider-ref',
    `providerRef "${providerRef}" is not in allowedProviderRefs`,
    `Add ${providerRef} to spec.allowedProviderRefs ${where}.`,
  );
}

function gateVerb({ metadata, spec }: ActionPolicy, { verb }: ActionProposal): Refusal | undefined {
  if (spec.allowedActions.includes(verb)) return undefined;
  return refused(
    'verb',
    `action "${verb}" is not in allowedActions`,
    `Add ${verb} to spec.allowedActions in ProviderActionPolicy ${metadata.name}.`,
  );
}

/** Verbs about a whole NIC carry the address that made them necessary; it is held to the same networks. */
function gateCidr({ metadata, spec }: ActionPolicy, { address }: ActionProposal): Refusal | undefined {
  if (spec.allowedCIDRs.length === 0 || spec.allowedCIDRs.some((cidr) => prefixContains(cidr, address)))
    return undefined;
  return refused(
    'cidr',
    `target address "${address}" is not within any allowedCIDR`,
    `Add a network that holds ${address} to spec.allowedCIDRs in ProviderActionPolicy ${metadata.name}.`,
  );
}

function gateWindow({ spec }: ActionPolicy, context: AdmissionContext): Refusal | undefined {
  const window = spec.executionWindow;
  if (window === undefined) return undefined;
  const time = context.localTimeIn(window.timezone);
  if (time === undefined) {
    return refused(
      'window',
      `executionWindow has the unknown time zone "${window.timezone}"`,
      'Write an IANA time zone such as Europe/Berlin or UTC.',
    );
  }
  if (isInsideWindow(window, time)) return undefined;
  return refused(
    'window',
    `outside executionWindow ${describeWindow(window)}`,
    'Wait until the window opens, or widen spec.executionWindow.',
  );
}

function gateBound({ metadata, spec }: ActionPolicy, context: AdmissionContext): Refusal | undefined {
  const { maxActionsPerRun } = spec;
  if (maxActionsPerRun === 0) {
    return refused(
      'bound',
      'maxActionsPerRun is 0: no actions permitted (operator must set a positive bound)',
      `Set spec.maxActionsPerRun in ProviderActionPolicy ${metadata.name}.`,
    );
  }
  if ((context.admittedInRun.get(metadata.name) ?? 0) < maxActionsPerRun) return undefined;
  return refused('bound', `maxActionsPerRun is ${maxActionsPerRun}: left for the next run`, 'Nothing; it runs next.');
}

function gateApproval({ spec }: ActionPolicy, context: AdmissionContext): Refusal | undefined {
  // A dry run changes nothing, so nobody has to approve it.
  if (context.isApproved || !spec.requireApproval || context.mode === 'dry-run') return undefined;
  return refused(
    'approval',
    'action is pending and not approved (approval required)',
    'Approve it with `routerctl action approve ID`.',
  );
}

function refused(gate: PolicyGate, message: string, remedy: string): Refusal {
  return { kind: 'refused', gate, message, remedy };
}
