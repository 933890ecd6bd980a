/** From the plans of all pools to effective-config and the desired state of this host. Pure. */
import { effectiveConfig, type DynamicConfigPart, type EffectiveConfig, type StoredPart } from '@routerd/config';
import { lower, type ClaimLowering, type HostState, type HybridRouteLowering } from '@routerd/dataplane';
import { domainResourceOf, type AddressPlan } from '@routerd/mobility';
import type { Instant, Resource } from '@routerd/resources';
import type { PoolState } from './pool-state.ts';

export interface DerivedConfig {
  readonly effective: readonly Resource[];
  /** The merge that `effective` comes from. */
  readonly config: EffectiveConfig;
  /** What was merged with startup-config: the planner's parts and the stored ones. */
  readonly parts: readonly (DynamicConfigPart | StoredPart)[];
  readonly claims: readonly ClaimLowering[];
  readonly hybridRoutes: readonly HybridRouteLowering[];
  /** What was set aside, and why; everything else is in effect. */
  readonly problems: readonly { readonly subject: string; readonly reason: string }[];
  readonly host: HostState;
}

/** Derived parts of a living daemon are replaced by every pass; they do not expire by themselves. */
export const NEVER = Number.MAX_SAFE_INTEGER as Instant;

/** Cost: linear in resources and claims. */
export function deriveConfig(
  startup: readonly Resource[],
  pools: readonly PoolState[],
  now: Instant,
  stored: readonly StoredPart[] = [],
): DerivedConfig {
  const parts = [...pools.map((pool) => derivedPart(pool, now)), ...stored];
  const config = effectiveConfig(startup, parts, now);
  const effective = config.resources.map((entry) => entry.resource);
  const open = new Set(
    pools.flatMap((pool) => [...pool.plans()].flatMap((plan) => (plan.captureOpen ? captureKeysOf(plan) : []))),
  );
  const lowered = lower(effective, { isCaptureOpen: (key) => open.has(key) });
  return {
    effective,
    config: config.nextExpiry === NEVER ? { ...config, nextExpiry: undefined } : config,
    parts,
    claims: lowered.claims,
    hybridRoutes: lowered.hybridRoutes,
    problems: [
      ...config.parts.flatMap((part) =>
        part.status === 'Rejected' ? [{ subject: part.source, reason: part.reason }] : [],
      ),
      ...lowered.problems.map(({ resource, reason }) => ({ subject: resource, reason })),
    ],
    host: lowered.state,
  };
}

/** The source of what this node's planner derives for a pool. */
export function plannedSource({ context }: Pick<PoolState, 'context'>): string {
  return `MobilityPool/${context.name}/node/${context.self}`;
}

/** The derived part of one pool: its domain and this node's claims. Its content changes exactly when they do. */
function derivedPart(pool: PoolState, now: Instant): DynamicConfigPart {
  const { context } = pool;
  const claims = [...pool.plans()].flatMap((plan) => (plan.claim === undefined ? [] : [plan.claim]));
  return {
    source: plannedSource(pool),
    generation: 1,
    observedAt: now,
    expiresAt: NEVER,
    directives: [],
    actionPlans: [],
    resources:
      claims.length === 0
        ? []
        : [domainResourceOf(context), ...claims.toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))],
  };
}

function captureKeysOf(plan: AddressPlan): readonly string[] {
  const gate = plan.claim?.spec.capture.activeWhen;
  return gate?.type === 'capture-holder' ? [gate.captureKey] : [];
}

/** What of a plan the host can see, as a comparable string; timestamps of leases are not part of it. */
export function hostViewOf(plan: AddressPlan | undefined): string {
  return plan?.claim === undefined ? '' : JSON.stringify([plan.claim.spec, plan.captureOpen]);
}
